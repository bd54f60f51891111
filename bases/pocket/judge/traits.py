"""The traits that the judge reads off a subject, by kind."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

import torch
from torch import Generator, Tensor

from bases.pocket.world import Look, sample_looks
from bases.pocket.world.fabric import PATTERNS
from bases.pocket.world.people.look import GLASSES, HAIR_SHAPES
from bases.pocket.world.pets.look import EARS, PLANS, TAILS
from bases.pocket.world.things.look import BADGES, SHAPES

FORMS: dict[str, dict[str, tuple[str, ...]]] = {
    "person": {"hair_shape": HAIR_SHAPES, "glasses": GLASSES, "pattern": PATTERNS},
    "pet": {"plan": PLANS, "pattern": PATTERNS, "ears": EARS, "tail": TAILS},
    "object": {"shape": SHAPES, "pattern": PATTERNS, "badge": BADGES},
}
"""By kind and trait, the names that there are."""

COLOURS: dict[str, tuple[str, ...]] = {
    "person": ("skin", "hair", "iris", "shirt"),
    "pet": ("coat", "iris"),
    "object": ("first",),
}
"""By kind, the traits that are colours."""

SAME_COLOUR = 0.15
"""Two colours in [0, 1] whose mean channel differs by less count as one."""


def trait(look: Look, kind: str, name: str) -> Tensor:
    """A trait of every individual: indices (B,) of a form, or colours (B, 3) in [0, 1]."""
    values: Tensor = getattr(_part(look, kind), name)
    return values


def measures(look: Look, kind: str) -> Tensor:
    """All colours and measures of every individual, (B, M), each of mean 0 and deviation 1."""
    mean, deviation = (values.to(look.device) for values in _spread(kind))
    return (_raw_measures(look, kind) - mean) / deviation


def _raw_measures(look: Look, kind: str) -> Tensor:
    part = _part(look, kind)
    known = (getattr(part, field.name) for field in fields(part))
    return torch.cat([v.reshape(len(v), -1) for v in known if v.is_floating_point()], 1)


@cache
def _spread(kind: str) -> tuple[Tensor, Tensor]:
    found = _raw_measures(sample_looks(4096, Generator().manual_seed(0)), kind)
    return found.mean(0), found.std(0)


def _part(look: Look, kind: str) -> Any:
    return {"person": look.person, "pet": look.pet, "object": look.thing}[kind]


MEASURES: dict[str, int] = {kind: len(_spread(kind)[0]) for kind in FORMS}
"""By kind, how many numbers `measures` gives."""
