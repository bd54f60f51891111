"""Captions: what a scene shows, in words, and never who is in it.

The words are in `words/`, one file a language; the first wording of each list is the plainest.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bases.pocket.world.scenes import Scene

_WORDS = Path(__file__).parent / "words"
LANGUAGES = tuple(sorted(path.stem for path in _WORDS.glob("*.yaml")))
_LETTERS = ("bcdfghjklmnprstvz", "aeiou")
_SLIGHT, _STRONG = 0.5, 0.85
_LOOSE = ("shot", "expression", "view", "light", "move")


@functools.cache
def words_of(language: str) -> dict[str, Any]:
    """A language's words: by choice, then by name, the wordings.

    Raises:
        KeyError: if there is no such language.
    """
    if language not in LANGUAGES:
        raise KeyError(f"language={language!r} is none of {', '.join(LANGUAGES)}.")
    words: dict[str, Any] = yaml.safe_load((_WORDS / f"{language}.yaml").read_text("utf-8"))
    return words


class Outline(NamedTuple):
    """What a caption names, and in which order.

    Attributes:
        sentence: action, place or both, which are said of the subject.
        before: what else is said before that.
        after: what else is said after it.
    """

    sentence: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


_PLAIN = Outline(("action", "place"), (), _LOOSE)


def draw_outline(rng: random.Random, sure: str = "") -> Outline:
    """What a person might say of a scene: not everything, and not always in the same order.

    Args:
        rng: draws it.
        sure: a choice that is named in any case, if given.
    """
    sentence = _PLAIN.sentence
    if rng.random() >= 0.87:
        sentence = (sure if sure in sentence else rng.choice(sentence),)
    loose = [choice for choice in _LOOSE if choice == sure or rng.random() < 0.75]
    rng.shuffle(loose)
    cut = rng.randint(0, len(loose)) if rng.random() < 0.4 else 0
    return Outline(sentence, tuple(loose[:cut]), tuple(loose[cut:]))


def caption(
    scene: Scene,
    index: int = 0,
    *,
    language: str = "en",
    subject: str | None = None,
    rng: random.Random | None = None,
    outline: Outline | None = None,
) -> str:
    """Put one scene into words.

    Args:
        scene: the scenes.
        index: which of them.
        language: one of `LANGUAGES`.
        subject: how to call who is in it; "a person" and the like if not given.
        rng: draws the wording; without it everything is put plainly.
        outline: what is named; if not given `rng` draws that too, and without it everything is.

    Raises:
        KeyError: if the language is unknown.
    """
    words = words_of(language)
    pick = _picking(rng)
    outline = outline or (_PLAIN if rng is None else draw_outline(rng))

    def said(choices: Sequence[str]) -> list[str]:
        return [pick(_wordings(words, scene, index, choice)) for choice in choices]

    named = subject or pick(words["subject"][scene.named("kind", index)])
    company = scene.named("company", index)
    if company != "alone":
        beside = pick(words["company"][company])
        named = pick(words["beside"]).format(subject=named, company=beside)
    does = said(outline.sentence)
    if len(does) == 1:
        sentence = words["comma"].join([named, *does])
    else:
        action, place = does
        sentence = pick(words["sentence"]).format(subject=named, action=action, place=place)
    return str(words["comma"].join([*said(outline.before), sentence, *said(outline.after)]))


def called(
    name: str, scene: Scene, index: int, *, language: str, rng: random.Random | None = None
) -> str:
    """How to call who is in a scene by a name, such as "mira, a person"; see `caption`."""
    words = words_of(language)
    pick = _picking(rng)
    return f"{name}{words['comma']}{pick(words['subject'][scene.named('kind', index)])}"


def _wordings(words: dict[str, Any], scene: Scene, index: int, choice: str) -> list[str]:
    wordings = words[choice][scene.named(choice, index)]
    if choice != "expression":
        return list(wordings)
    level = float(scene.intensity[index])
    degree = "slight" if level < _SLIGHT else "strong" if level > _STRONG else "plain"
    return list(wordings[degree])


def invented_name(rng: random.Random) -> str:
    """A word that none of the languages has, to be somebody's name."""
    return "".join(rng.choice(_LETTERS[i % 2]) for i in range(rng.randint(4, 7)))


def _picking(rng: random.Random | None) -> Callable[[list[str]], str]:
    """How a wording is chosen: the first, or with one draw each, so that the next stay the same."""
    if rng is None:
        return lambda wordings: wordings[0]
    return lambda wordings: wordings[int(rng.random() * len(wordings))]
