"""What makes an object one individual."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from bases.pocket.world.colours import any_colour
from bases.pocket.world.fabric import PATTERNS
from bases.pocket.world.rows import Rows

SHAPES = ("ball", "block", "star", "ring", "mug", "egg")
BADGES = ("none", "disc", "diamond", "cross")


@dataclass(frozen=True)
class ThingLook(Rows):
    """The looks of B objects; every field holds one entry an object.

    Colours are (B, 3) in [0, 1]; shapes, patterns and badges are indices (B,); the rest are (B,)
    measures in world units, but for the pattern's `slant`, in radians.
    """

    shape: Tensor
    size: Tensor
    first: Tensor
    second: Tensor
    pattern: Tensor
    period: Tensor
    slant: Tensor
    badge: Tensor
    badge_colour: Tensor
    badge_size: Tensor
    trim: Tensor


def sample_things(count: int, generator: Generator) -> ThingLook:
    """Draw `count` objects, each trait independent of the others.

    Args:
        count: how many objects, at least 1.
        generator: a CPU generator; the same seed gives the same objects everywhere.
    """

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    def choice(names: tuple[str, ...]) -> Tensor:
        return torch.randint(len(names), (count,), generator=generator)

    return ThingLook(
        shape=choice(SHAPES),
        size=uniform(0.135, 0.175),
        first=any_colour(count, generator),
        second=any_colour(count, generator),
        pattern=choice(PATTERNS),
        period=uniform(0.07, 0.15),
        slant=uniform(-0.8, 0.8),
        badge=choice(BADGES),
        badge_colour=any_colour(count, generator),
        badge_size=uniform(0.38, 0.52),
        trim=any_colour(count, generator),
    )
