"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """What the bench renders and measures.

    Attributes:
        subjects: by kind, how many held-out individuals.
        photos: that each adapter is trained on.
        scenes: prompts a subject.
        seeds: clips a prompt.
        gallery: look-alikes among whom a subject is looked for.
        language_scenes: prompts a language.
        curve: numbers of photos whose likeness makes the photo curve.
        curve_subjects: subjects that it is measured on, each trained anew for every number.
        judged: true clips on which the judge itself is measured.
    """

    subjects: dict[str, int] = field(default_factory=lambda: {"person": 20, "pet": 8, "object": 8})
    photos: int = 8
    scenes: int = 8
    seeds: int = 2
    gallery: int = 1000
    language_scenes: int = 60
    curve: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    curve_subjects: int = 4
    judged: int = 400


FULL = Plan()
QUICK = Plan(
    subjects={"person": 2, "pet": 1, "object": 1},
    scenes=6,
    seeds=1,
    gallery=200,
    language_scenes=12,
    curve=(),
    judged=100,
)
