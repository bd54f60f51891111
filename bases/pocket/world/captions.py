"""Captions: what a scene shows, in words, and never who is in it.

The words are in `words/`, one file a language; the first wording of each list is the plainest.
"""

from __future__ import annotations

import functools
import random
from pathlib import Path
from typing import Any

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


def caption(
    scene: Scene,
    index: int = 0,
    *,
    language: str = "en",
    subject: str | None = None,
    rng: random.Random | None = None,
) -> str:
    """Put one scene into words.

    Args:
        scene: the scenes.
        index: which of them.
        language: one of `LANGUAGES`.
        subject: how to call who is in it; "a person" and the like if not given.
        rng: draws wording, order and what to leave out; without it everything is named plainly.

    Raises:
        KeyError: if the language is unknown.
    """
    words = words_of(language)
    pick = _first if rng is None else rng.choice
    named = subject or pick(words["subject"][scene.named("kind", index)])
    company = scene.named("company", index)
    if company != "alone":
        beside = pick(words["company"][company])
        named = pick(words["beside"]).format(subject=named, company=beside)
    action = pick(words["action"][scene.named("action", index)])
    place = pick(words["place"][scene.named("place", index)])
    loose = [pick(_wordings(words, scene, index, choice)) for choice in _LOOSE]
    if rng is None:
        sentence = words["sentence"][0].format(subject=named, action=action, place=place)
        return str(words["comma"].join([sentence, *loose]))
    return _free_wording(words, named, action, place, loose, rng)


def _wordings(words: dict[str, Any], scene: Scene, index: int, choice: str) -> list[str]:
    wordings = words[choice][scene.named(choice, index)]
    if choice != "expression":
        return list(wordings)
    level = float(scene.intensity[index])
    degree = "slight" if level < _SLIGHT else "strong" if level > _STRONG else "plain"
    return list(wordings[degree])


def _free_wording(
    words: dict[str, Any],
    subject: str,
    action: str,
    place: str,
    loose: list[str],
    rng: random.Random,
) -> str:
    """Not everything is named, and not always in the same order."""
    comma = words["comma"]
    if rng.random() < 0.87:
        sentence = rng.choice(words["sentence"]).format(subject=subject, action=action, place=place)
    else:
        sentence = comma.join([subject, rng.choice([action, place])])
    named = [wording for wording in loose if rng.random() < 0.75]
    rng.shuffle(named)
    cut = rng.randint(0, len(named)) if rng.random() < 0.4 else 0
    return str(comma.join([*named[:cut], sentence, *named[cut:]]))


def invented_name(rng: random.Random) -> str:
    """A word that none of the languages has, to be somebody's name."""
    return "".join(rng.choice(_LETTERS[i % 2]) for i in range(rng.randint(4, 7)))


def _first(wordings: list[str]) -> str:
    return wordings[0]
