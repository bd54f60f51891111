"""What makes a person one individual."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from bases.pocket.world.colours import Palette, any_colour, between
from bases.pocket.world.fabric import PATTERNS
from bases.pocket.world.rows import Rows

HAIR_SHAPES = ("short", "bob", "long", "curly", "spiky", "bun")
GLASSES = ("none", "round", "square")

_SKIN = (
    (0.99, 0.86, 0.75),
    (0.93, 0.74, 0.58),
    (0.80, 0.58, 0.41),
    (0.60, 0.40, 0.27),
    (0.40, 0.26, 0.18),
)
_HAIR = (
    (0.10, 0.08, 0.09), (0.33, 0.19, 0.10), (0.62, 0.36, 0.15), (0.95, 0.80, 0.38),
    (0.80, 0.26, 0.12), (0.72, 0.72, 0.74), (0.20, 0.42, 0.78), (0.85, 0.38, 0.62),
)  # fmt: skip
_IRIS = ((0.20, 0.12, 0.08), (0.20, 0.42, 0.75), (0.18, 0.52, 0.28), (0.50, 0.34, 0.12))


@dataclass(frozen=True)
class PersonLook(Rows):
    """The looks of B people; every field holds one entry a person.

    Colours are (B, 3) in [0, 1]; shapes and patterns are indices (B,); the rest are (B,) measures
    in world units, where a person is about one unit tall.
    """

    skin: Tensor
    hair: Tensor
    hair_shape: Tensor
    hairline: Tensor
    iris: Tensor
    eye_size: Tensor
    eye_gap: Tensor
    brow: Tensor
    nose: Tensor
    mouth: Tensor
    face_width: Tensor
    face_height: Tensor
    glasses: Tensor
    frame: Tensor
    shirt: Tensor
    shirt_second: Tensor
    pattern: Tensor
    trousers: Tensor
    girth: Tensor
    leg: Tensor


def sample_people(count: int, generator: Generator) -> PersonLook:
    """Draw `count` people, each trait independent of the others.

    Args:
        count: how many people, at least 1.
        generator: a CPU generator; the same seed gives the same people everywhere.
    """

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    def choice(names: tuple[str, ...]) -> Tensor:
        return torch.randint(len(names), (count,), generator=generator)

    def near(palette: Palette, spread: float) -> Tensor:
        return between(palette, count, generator, spread)

    return PersonLook(
        skin=near(_SKIN, 0.02),
        hair=near(_HAIR, 0.03),
        hair_shape=choice(HAIR_SHAPES),
        hairline=uniform(0.30, 0.62),
        iris=near(_IRIS, 0.03),
        eye_size=uniform(0.030, 0.047),
        eye_gap=uniform(0.36, 0.56),
        brow=uniform(0.006, 0.017),
        nose=uniform(0.016, 0.036),
        mouth=uniform(0.045, 0.080),
        face_width=uniform(0.150, 0.190),
        face_height=uniform(0.172, 0.205),
        glasses=torch.tensor([0, 0, 1, 2])[torch.randint(4, (count,), generator=generator)],
        frame=near(((0.08, 0.08, 0.1), (0.65, 0.12, 0.12), (0.12, 0.2, 0.55)), 0.03),
        shirt=any_colour(count, generator),
        shirt_second=any_colour(count, generator),
        pattern=choice(PATTERNS),
        trousers=torch.rand(count, 3, generator=generator) * 0.6 + 0.08,
        girth=uniform(0.105, 0.155),
        leg=uniform(0.19, 0.25),
    )
