"""Patterns of two colours, with soft edges one pixel wide."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import per_pixel

PATTERNS = ("plain", "stripes", "dots", "checks")


def patterned(
    pattern_N: Tensor,
    first_N3: Tensor,
    second_N3: Tensor,
    x_NHW: Tensor,
    y_NHW: Tensor,
    *,
    period: float | Tensor,
    pixel_N11: Tensor,
) -> Tensor:
    """Colours (N, 3, H, W) of a surface.

    Args:
        pattern_N: indices into `PATTERNS`.
        first_N3: the ground.
        second_N3: what is on it.
        x_NHW: where on the surface each pixel is.
        y_NHW: the same, upwards.
        period: how far the pattern's repeats are apart, in the units of x and y.
        pixel_N11: the size of a pixel in these units.
    """
    period = per_pixel(period)
    pixel = pixel_N11 / period

    def band(coordinate: Tensor) -> Tensor:
        wave = (torch.remainder(coordinate / period, 1.0) - 0.5).abs() - 0.25
        return (0.5 - wave / pixel).clamp(0, 1)

    across, along = band(x_NHW + period / 4), band(y_NHW)
    column = torch.remainder(x_NHW / period + 0.5, 1.0) - 0.5
    row = torch.remainder(y_NHW / period, 1.0) - 0.5
    mixes = {
        "plain": torch.zeros_like(along),
        "stripes": along,
        "dots": (0.5 - ((column**2 + row**2).sqrt() - 0.30) / pixel).clamp(0, 1),
        "checks": across + along - 2 * across * along,
    }
    every = torch.stack([mixes[name] for name in PATTERNS])
    mix = every.gather(0, pattern_N[None, :, None, None].expand(1, *along.shape))[0]
    first, second = first_N3[:, :, None, None], second_N3[:, :, None, None]
    return first + (second - first) * mix[:, None]
