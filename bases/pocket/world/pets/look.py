"""What makes a pet one individual."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from bases.pocket.world.colours import any_colour, between
from bases.pocket.world.fabric import PATTERNS
from bases.pocket.world.rows import Rows

PLANS = ("dog", "bird")
EARS = ("pointed", "floppy", "round")
TAILS = ("short", "long", "curled")

_COAT = (
    (0.96, 0.93, 0.88), (0.85, 0.62, 0.36), (0.55, 0.35, 0.20), (0.22, 0.18, 0.18),
    (0.62, 0.62, 0.66), (0.90, 0.45, 0.18), (0.30, 0.58, 0.80), (0.45, 0.72, 0.38),
)  # fmt: skip
_IRIS = ((0.25, 0.14, 0.08), (0.20, 0.50, 0.75), (0.35, 0.60, 0.20), (0.75, 0.52, 0.10))


@dataclass(frozen=True)
class PetLook(Rows):
    """The looks of B pets; every field holds one entry a pet.

    Colours are (B, 3) in [0, 1]; the body plan, shapes and patterns are indices (B,); the rest are
    (B,) measures in world units. A bird's crest has the shape of its `ears`.
    """

    plan: Tensor
    coat: Tensor
    second: Tensor
    pattern: Tensor
    period: Tensor
    ears: Tensor
    tail: Tensor
    leg: Tensor
    length: Tensor
    girth: Tensor
    head: Tensor
    snout: Tensor
    iris: Tensor
    eye_size: Tensor
    eye_gap: Tensor
    collar: Tensor
    collar_colour: Tensor


def sample_pets(count: int, generator: Generator) -> PetLook:
    """Draw `count` pets, each trait independent of the others.

    Args:
        count: how many pets, at least 1.
        generator: a CPU generator; the same seed gives the same pets everywhere.
    """

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    def choice(names: tuple[str, ...]) -> Tensor:
        return torch.randint(len(names), (count,), generator=generator)

    return PetLook(
        plan=choice(PLANS),
        coat=between(_COAT, count, generator, 0.03),
        second=between(_COAT, count, generator, 0.03),
        pattern=choice(PATTERNS),
        period=uniform(0.07, 0.14),
        ears=choice(EARS),
        tail=choice(TAILS),
        leg=uniform(0.09, 0.17),
        length=uniform(0.24, 0.36),
        girth=uniform(0.085, 0.12),
        head=uniform(0.115, 0.15),
        snout=uniform(0.05, 0.085),
        iris=between(_IRIS, count, generator, 0.03),
        eye_size=uniform(0.024, 0.036),
        eye_gap=uniform(0.42, 0.62),
        collar=choice(("bare", "collar")),
        collar_colour=any_colour(count, generator),
    )
