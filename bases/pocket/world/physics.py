"""What falls: closed forms, so that a moment needs no moments before it."""

from __future__ import annotations

import torch
from torch import Tensor

GRAVITY = 5.3
"""World units a second squared; a person is about one unit tall."""

_BOUNCES = 12


def leap(height: Tensor, rest: float, seconds: Tensor, phase: Tensor) -> Tensor:
    """How high over the ground one is who jumps again and again.

    Args:
        height: of a jump, world units.
        rest: seconds on the ground between two jumps.
        seconds: the moment.
        phase: where in its cycle the first jump starts, in [0, 1).
    """
    speed = (2 * GRAVITY * height).sqrt()
    cycle = 2 * speed / GRAVITY + rest
    t = torch.remainder(seconds + phase * cycle, cycle)
    return (speed * t - 0.5 * GRAVITY * t * t).clamp_min(0)


def bouncing(speed: Tensor, restitution: Tensor, seconds: Tensor) -> Tensor:
    """How high over the ground a ball is that leaves it upwards at `seconds` = 0.

    Each bounce keeps `restitution` of the speed; before 0, and after the last bounce, it lies.

    Args:
        speed: upwards, world units a second.
        restitution: in [0, 1).
        seconds: the moment.
    """
    height, start = torch.zeros_like(seconds), torch.zeros_like(seconds)
    for _ in range(_BOUNCES):
        t = seconds - start
        flight = 2 * speed / GRAVITY
        flying = (t >= 0) & (t < flight)
        height = torch.where(flying, speed * t - 0.5 * GRAVITY * t * t, height)
        start, speed = start + flight, speed * restitution
    return height


def sliding(speed: Tensor, friction: float, seconds: Tensor) -> Tensor:
    """How far a thing has slid that friction (world units a second squared) brings to rest."""
    t = torch.minimum(seconds.clamp_min(0), speed / friction)
    return speed * t - 0.5 * friction * t * t
