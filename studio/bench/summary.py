"""From every take's scores to the bench's figures: medians over subjects, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean
from typing import Any

from bases.pocket.shape import PocketShape
from bases.pocket.world.physics import GRAVITY
from inference.bench.intervals import Interval, interval
from inference.bench.scores import JUDGED
from inference.bench.turns import TURNS

Subjects = list[dict[str, Any]]
Figures = dict[str, dict[str, Any]]
VARIANTS = ("adapter", "base", "bleed", "renamed", "stranger", "truth", "drawn", "other", "still")


def summarise(subjects: Subjects, shape: PocketShape, kind: str) -> dict[str, Figures]:
    """Figures by section, name and variant, each an interval or None where nothing was measured.

    Args:
        subjects: what was measured of each: "kind", "ceiling" and "takes".
        shape: of the base's clips and its world.
        kind: of the subjects.
    """
    return {
        "likeness": _likeness(subjects),
        "likeness by head yaw, of the ceiling": _by_turn(subjects),
        "traits": _means_of(subjects, "traits"),
        "prompt": _means_of(subjects, "prompt") | {"chance": _chance(shape, kind)},
        "expression": {"strength, off by": _by_variant(subjects, _at("intensity"), "mean")},
        "without a network": _without_network(subjects),
        "motion": {"over the base's": _over_base(subjects, "motion")},
        "bleed": _bleed(subjects),
        "physics": _physics(subjects),
    }


Value = Callable[[dict[str, Any], dict[str, Any]], float | None]
"""What is read of a subject's take."""


def _by_variant(subjects: Subjects, value: Value, of: str) -> dict[str, Any]:
    """The interval over subjects of the mean of a value over each subject's takes."""
    found = {}
    for variant in VARIANTS:
        means = []
        for one in subjects:
            values = [value(one, take) for take in one["takes"] if take["variant"] == variant]
            known = [v for v in values if v is not None and v == v]
            if known:
                means.append(fmean(known))
        found[variant] = interval(means, of=of)
    return found


def _at(*keys: str) -> Value:
    """What stands in a take under a key, or under a key of a key."""

    def value(_: dict[str, Any], take: dict[str, Any]) -> float | None:
        found: Any = take
        for key in keys:
            found = None if found is None else found.get(key)
        return found

    return value


def _of_ceiling(key: str) -> Value:
    return lambda one, take: take[key] / one["ceiling"]


def _likeness(subjects: Subjects) -> Figures:
    figures = {
        f"{name}, of the ceiling": _by_variant(subjects, _of_ceiling(key), "median")
        for key, name in (("likeness", "median"), ("p10", "p10"), ("worst", "worst frame"))
    }
    for key in ("detected", "rank1", "mAP", "copied"):
        figures[key] = _by_variant(subjects, _at(key), "mean")
    return figures


def _by_turn(subjects: Subjects) -> Figures:
    def turned(name: str) -> Value:
        at = _at("turned", name)
        return lambda one, take: None if (v := at(one, take)) is None else v / one["ceiling"]

    return {name: _by_variant(subjects, turned(name), "median") for name in TURNS}


def _means_of(subjects: Subjects, group: str) -> Figures:
    names = dict.fromkeys(name for one in subjects for take in one["takes"] for name in take[group])
    return {name: _by_variant(subjects, _at(group, name), "mean") for name in names}


def _without_network(subjects: Subjects) -> Figures:
    """The place by the corners' colours, and how much of each colour there is, of a true clip's."""
    names = dict.fromkeys(n for one in subjects for take in one["takes"] for n in take["colours"])
    figures = {"place, by the corners": _by_variant(subjects, _at("place by corners"), "mean")}
    for name in names:
        figures[f"{name}, pixels of that colour, of the truth's"] = _by_variant(
            subjects, _of_truth(name), "median"
        )
    return figures


def _of_truth(name: str) -> Value:
    def value(one: dict[str, Any], take: dict[str, Any]) -> float | None:
        truth = next(
            t["colours"][name]
            for t in one["takes"]
            if t["variant"] == "truth" and t["scene"] == take["scene"]
        )
        return min(1.0, take["colours"][name] / truth) if truth else None

    return value


def _over_base(subjects: Subjects, key: str) -> dict[str, Any]:
    ratios = {}
    for variant in ("adapter", "truth", "still"):
        found = []
        for one in subjects:
            own, base = (
                [take[key] for take in one["takes"] if take["variant"] == name]
                for name in (variant, "base")
            )
            found.append(fmean(own) / max(fmean(base), 1e-9))
        ratios[variant] = interval(found)
    return ratios


def _bleed(subjects: Subjects) -> Figures:
    """How much more like the subject others become with the adapter in, of the ceiling."""
    return {
        "onto a prompt about nobody": {"adapter": _more(subjects, "bleed", "stranger")},
        "onto another name": {"adapter": _more(subjects, "renamed", "base")},
    }


def _more(subjects: Subjects, variant: str, than: str) -> Interval | None:
    found = []
    for one in subjects:
        with_it, without = (
            [take["likeness"] for take in one["takes"] if take["variant"] == name]
            for name in (variant, than)
        )
        if with_it and without:
            found.append((fmean(with_it) - fmean(without)) / one["ceiling"])
    return interval(found)


def _physics(subjects: Subjects) -> Figures:
    return {
        f"gravity (truly {GRAVITY})": _by_variant(subjects, _at("gravity"), "median"),
        "restitution (truly 0.60 to 0.85)": _by_variant(subjects, _at("restitution"), "median"),
    }


def _chance(shape: PocketShape, kind: str) -> dict[str, float]:
    names = {choice: getattr(shape.world, choice) for choice in JUDGED}
    names["action"] = shape.world.actions_of(kind)
    return {choice: 1 / len(set(known)) for choice, known in names.items()}
