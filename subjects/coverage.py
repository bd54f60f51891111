"""Coverage: what a set of photos shows its subject in, and what it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from subjects.framing import SHOTS, shot_of, view_of
from subjects.limits import Limits
from subjects.metadata import Photo

FEWEST, ENOUGH = 8, 20
"""Fewer photos than the first ask for more; more than the second need not be looked for.

What is advised for real faces; on drawn ones `benchmarks.photo_curve` gains nothing from the third
photo on."""

_NAMELESS = ("clothes", "background")
_MOST_ALIKE = 0.7
"""When more of the photos show the same, the adapter takes it for part of the subject."""


@dataclass(frozen=True)
class Coverage:
    """How many photos show what; of pets and objects, light and background alone.

    Attributes:
        photos: how many there are.
        table: by what is counted ("view", "expression", "shot", "light", "clothes",
            "background"), the photos by name or number, the most frequent first.
    """

    photos: int
    table: dict[str, dict[str, int]]

    @classmethod
    def of(cls, photos: Sequence[Photo], limits: Limits) -> Coverage:
        """Count what the kept photos show."""
        measures = [photo.measures for photo in photos]
        counted = {
            "view": Counter(filter(None, (view_of(m) for m in measures))),
            "expression": Counter(m.expression for m in measures if m.expression),
            "shot": Counter(filter(None, (shot_of(m, limits) for m in measures))),
            "light": Counter(m.light for m in measures if m.light),
            "clothes": Counter(str(m.clothes + 1) for m in measures if m.clothes is not None),
            "background": Counter(
                str(m.background + 1) for m in measures if m.background is not None
            ),
        }
        table = {what: dict(counts.most_common()) for what, counts in counted.items() if counts}
        return cls(len(photos), table)

    def said(self) -> dict[str, str]:
        """The table in words; what has no name is told by how many are the same."""
        return {
            what: _kinds(counts) if what in _NAMELESS else self._counted(counts)
            for what, counts in self.table.items()
        }

    def _counted(self, counts: dict[str, int]) -> str:
        named = [f"{count} {name}" for name, count in counts.items()]
        untold = self.photos - sum(counts.values())
        return ", ".join([*named, f"{untold} not told"] if untold else named)

    def advice(self) -> list[str]:
        """What to photograph next, one sentence each; nothing where the set is good."""
        return [*self._more(), *self._missing(), *self._alike()]

    def _more(self) -> Iterator[str]:
        if self.photos < FEWEST:
            word = "photo" if FEWEST - self.photos == 1 else "photos"
            yield f"Add {FEWEST - self.photos} {word} or more: {FEWEST} to {ENOUGH} are best."

    def _missing(self) -> Iterator[str]:
        views, shots = self.table.get("view", {}), self.table.get("shot", {})
        if views:
            lacking = [
                f"one that looks to the {side}"
                for side in ("left", "right")
                if not any(side in view for view in views)
            ]
            lacking += ["one from the front"] * ("front" not in views)
            lacking += ["a profile"] * (not any("profile" in view for view in views))
            if lacking:
                yield f"Add {_listed(lacking)}: a view that no photo shows is made up."
        if shots and (lacking := [f"a {shot}" for shot in SHOTS if not shots.get(shot)]):
            yield f"Add {_listed(lacking)}."

    def _alike(self) -> Iterator[str]:
        advice = {
            "clothes": "in other clothes, or they are taken for part of the subject",
            "background": "in another place, or it is taken for part of the subject",
            "light": "in another light",
            "expression": "with another, or it is taken for part of the face",
        }
        for what, add in advice.items():
            counts = self.table.get(what, {})
            most, seen = max(counts.values(), default=0), sum(counts.values())
            if seen > 2 and most > _MOST_ALIKE * seen:
                yield f"{most} of {seen} show the same {what}: add a photo {add}."


def _kinds(counts: dict[str, int]) -> str:
    kinds = "1 kind" if len(counts) == 1 else f"{len(counts)} kinds"
    return f"{kinds}, the most frequent in {max(counts.values())} of {sum(counts.values())}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
