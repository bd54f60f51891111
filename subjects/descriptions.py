"""Descriptions: what a model says of a photo, less what belongs to the subject itself.

A caption that names brown hair leaves the hair free to be asked for in another colour, and the
adapter does not learn it. So of "a young woman with brown hair standing at a harbour, smiling" a
caption keeps "standing at a harbour, smiling". English alone is understood.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_BREAKS = re.compile(
    r"\s*[,.;:!?()\n]+\s*|\s+(?:with|and|has|having|who|while|but|that|which)\s+", re.IGNORECASE
)
_WORD = re.compile(r"[\w'-]+")
_GOES_ON = re.compile(
    r"(?!building|ceiling|painting|railing|awning)\w+ing\b"
    r"|(?:in|on|at|by|under|near|inside|outside|against|behind|during)\b"
)
"""How a phrase begins that tells what is done, or where."""
_LEAD = 8
"""Where a noun for the subject stands among so many first words, they tell who it is."""
_LONGEST = 40
"""Words of a description; text encoders cut off what comes late."""


def without_looks(text: str, class_noun: str, *, clothes: bool = False) -> str:
    """What a description says beside who is seen: place, light, action, expression.

    Args:
        text: in English, a sentence or a few.
        class_noun: what kind of thing the subject is; with what stands before it, it is left out.
        clothes: whether clothes may be named.

    Returns:
        phrases with commas between them, at most 40 words; empty if nothing remains.
    """
    words = _words_by_meaning()
    unwanted = words["looks"] | words["others"] | (frozenset() if clothes else words["clothes"])
    nouns = words["who"] | {class_noun.lower().split()[-1]}
    text = re.sub(r"\bon top of\b", "on", text, flags=re.IGNORECASE)  # no clothing
    phrases = (_after(part, nouns, unwanted) for part in _BREAKS.split(text))
    kept = ", ".join(dict.fromkeys(filter(None, phrases))).split()
    return " ".join(kept[:_LONGEST]).rstrip(",")


def _after(phrase: str, nouns: frozenset[str], unwanted: frozenset[str]) -> str:
    """What of a phrase stands behind the noun for the subject and behind its looks."""
    words = phrase.split()
    known = [_parts(word.lower()) for word in words]
    named = [index for index, parts in enumerate(known[:_LEAD]) if parts & nouns]
    looks = [index for index, parts in enumerate(known) if parts & unwanted]
    rest = " ".join(words[max(named + looks, default=-1) + 1 :])
    if named and not looks:
        rest = re.sub(r"^(?:is|are)\s+", "", rest)
    if looks and not _GOES_ON.match(rest):
        return ""
    return rest if _words(rest) else ""


@cache
def _words_by_meaning() -> dict[str, frozenset[str]]:
    import yaml

    known = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    return {meaning: frozenset(words) for meaning, words in known.items()}


def _parts(word: str) -> set[str]:
    """A word as it is written and, such as "blue-eyed", what it is made of."""
    found = _words(word)
    return {*found, *(part for one in found for part in one.split("-"))}


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
