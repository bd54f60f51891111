"""Gravity and restitution, fitted to tracked heights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Heights = NDArray[np.float64]

_FLYING = 0.3
"""A flight is fitted where it is higher than this share of its peak."""


def gravity_of(heights_F: Heights, fps: float) -> float:
    """The gravity of the highest flight: the parabola that fits it best; NaN if there is none.

    Args:
        heights_F: one a frame, upwards; where zero is does not matter.
        fps: frames a second.

    Returns:
        in the heights' units a second squared.
    """
    flight = _flight(heights_F)
    if len(flight) < 4:
        return float("nan")
    return float(-2 * np.polyfit(flight / fps, heights_F[flight], 2)[0])


def restitution_of(heights_F: Heights, ground: float) -> float:
    """Speed after a bounce over the speed before it, from the peaks' heights; NaN without two.

    A peak's height goes with the square of the speed that reached it.

    Args:
        heights_F: of what bounces, one a frame.
        ground: its height where it bounces.
    """
    above = heights_F - ground
    inner = np.arange(1, len(above) - 1)
    is_peak = (above[inner] > above[inner - 1]) & (above[inner] >= above[inner + 1])
    peaks = [_top(above, index) for index in inner[is_peak & (above[inner] > 0.02)]]
    ratios = [after / before for before, after in zip(peaks, peaks[1:], strict=False)]
    return float(np.sqrt(np.median(ratios))) if ratios else float("nan")


def _flight(heights_F: Heights) -> NDArray[np.intp]:
    """The frames around the highest one that are clearly off the ground, inside the clip."""
    low, peak = heights_F.min(), int(heights_F.argmax())
    flying = heights_F > low + _FLYING * (heights_F[peak] - low)
    first, last = peak, peak
    while first > 0 and flying[first - 1]:
        first -= 1
    while last < len(heights_F) - 1 and flying[last + 1]:
        last += 1
    return np.arange(first, last + 1)


def _top(heights_F: Heights, index: int) -> float:
    """The top of the parabola through a peak's frame and its neighbours."""
    before, at, after = heights_F[index - 1 : index + 2]
    bend = before - 2 * at + after
    return float(at - (after - before) ** 2 / (8 * bend))
