"""Colours, (B, 3) in [0, 1]."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

Palette = tuple[tuple[float, float, float], ...]


def hues(hue_B: Tensor) -> Tensor:
    """Vivid colours of these hues in [0, 1), red at 0, green at a third, blue at two thirds."""
    shift = torch.tensor((0.0, 2 / 3, 1 / 3))
    wheel = (torch.remainder(hue_B[:, None] + shift, 1.0) * 6 - 3).abs() - 1
    return 0.15 + 0.8 * wheel.clamp(0, 1)


def between(palette: Palette, count: int, generator: Generator, spread: float) -> Tensor:
    """Colours of a palette, each shifted a little, so that no two are alike."""
    colours = torch.tensor(palette)[torch.randint(len(palette), (count,), generator=generator)]
    return (colours + spread * torch.randn(count, 3, generator=generator)).clamp(0.03, 1)


def any_colour(count: int, generator: Generator) -> Tensor:
    """Colours from all over, neither black nor white."""
    return torch.rand(count, 3, generator=generator) * 0.85 + 0.1
