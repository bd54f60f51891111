"""Looks: the traits that make a puppet one individual, never named in a caption."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Generator, Tensor

HAIR_SHAPES = ("short", "bob", "long", "curly", "spiky", "bun")
GLASSES = ("none", "round", "square")
PATTERNS = ("plain", "stripes", "dots", "checks")

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
class Look:
    """The looks of B individuals; every field holds one entry an individual.

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

    def __len__(self) -> int:
        return len(self.skin)

    def __getitem__(self, index: Tensor | slice | list[int]) -> Look:
        return Look(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def to(self, device: torch.device | str) -> Look:
        """The same looks on another device."""
        return Look(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def sample_looks(count: int, generator: Generator) -> Look:
    """Draw `count` individuals, each trait independent of the others.

    Args:
        count: how many individuals, at least 1.
        generator: a CPU generator; the same seed gives the same individuals everywhere.
    """

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    def choice(names: tuple[str, ...]) -> Tensor:
        return torch.randint(len(names), (count,), generator=generator)

    def between(palette: tuple[tuple[float, ...], ...], spread: float) -> Tensor:
        """A palette colour, shifted a little, so that no two are alike."""
        colours = torch.tensor(palette)[torch.randint(len(palette), (count,), generator=generator)]
        return (colours + spread * torch.randn(count, 3, generator=generator)).clamp(0.03, 1)

    return Look(
        skin=between(_SKIN, 0.02),
        hair=between(_HAIR, 0.03),
        hair_shape=choice(HAIR_SHAPES),
        hairline=uniform(0.30, 0.62),
        iris=between(_IRIS, 0.03),
        eye_size=uniform(0.030, 0.047),
        eye_gap=uniform(0.36, 0.56),
        brow=uniform(0.006, 0.017),
        nose=uniform(0.016, 0.036),
        mouth=uniform(0.045, 0.080),
        face_width=uniform(0.150, 0.190),
        face_height=uniform(0.172, 0.205),
        glasses=torch.tensor([0, 0, 1, 2])[torch.randint(4, (count,), generator=generator)],
        frame=between(((0.08, 0.08, 0.1), (0.65, 0.12, 0.12), (0.12, 0.2, 0.55)), 0.03),
        shirt=torch.rand(count, 3, generator=generator) * 0.85 + 0.1,
        shirt_second=torch.rand(count, 3, generator=generator) * 0.85 + 0.1,
        pattern=choice(PATTERNS),
        trousers=torch.rand(count, 3, generator=generator) * 0.6 + 0.08,
        girth=uniform(0.105, 0.155),
        leg=uniform(0.19, 0.25),
    )
