"""The traits that the judge reads off a subject, by kind."""

from __future__ import annotations

from torch import Tensor

from bases.pocket.world import Look
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
    part = {"person": look.person, "pet": look.pet, "object": look.thing}[kind]
    values: Tensor = getattr(part, name)
    return values
