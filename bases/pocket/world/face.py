"""Eyes, brows and a mouth on a globe, for whoever has a face."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import INK, capsule, ellipse, per_pixel
from bases.pocket.world.globe import Globe

LIPS = (0.55, 0.12, 0.14)


def paint_eyes(
    globe: Globe, *, gap: Tensor, y: Tensor, size: Tensor, iris: Tensor, widen: Tensor
) -> None:
    """Two eyes.

    Args:
        globe: N heads.
        gap: (N,) radians from the middle to each eye.
        y: (N,) their height over the head's centre.
        size: (N,) half their width.
        iris: (N, 3) colour.
        widen: (N,) how much taller they are than usual.
    """
    white, ink = torch.full_like(iris, 0.98), iris.new_tensor(INK).expand_as(iris)
    for side in (-1.0, 1.0):
        x, narrow, shown = globe.place(side * gap)
        rx = size * narrow
        eye = ellipse(globe.x, globe.y, x, y, rx, size * 1.12 * (1 + widen))
        globe.canvas.paint(eye, white, outline=0.008, opacity=shown)
        look_x = x + 0.25 * rx * globe.yaw.sin()
        for radius, colour in ((0.66, iris), (0.34, ink)):
            disc = ellipse(globe.x, globe.y, look_x, y, rx * radius, size * radius)
            globe.canvas.paint(disc, colour, opacity=shown)


def paint_brows(
    globe: Globe, *, gap: Tensor, y: Tensor, thick: Tensor, colour: Tensor, drop: Tensor
) -> None:
    """Two brows.

    Args:
        globe: N heads.
        gap: (N,) radians from the middle to each brow.
        y: (N,) their height over the head's centre.
        thick: (N,) half their thickness.
        colour: (N, 3).
        drop: (N,) how far their inner ends hang, world units.
    """
    for side in (-1.0, 1.0):
        x, narrow, shown = globe.place(side * gap)
        half, inner, outer = 0.040 * narrow, y - drop, y + 0.3 * drop
        brow = capsule(globe.x, globe.y, x - side * half, inner, x + side * half, outer, thick)
        globe.canvas.paint(brow, colour, opacity=shown)


def paint_mouth(
    globe: Globe, *, reach: float | Tensor, y: Tensor, half: Tensor, curve: Tensor, opening: Tensor
) -> None:
    """A mouth, which gets small and round where it opens without a curve.

    Args:
        globe: N heads.
        reach: how far from the globe's middle it sits, 1 on the surface.
        y: (N,) its height over the head's centre.
        half: (N,) half its width.
        curve: (N,) how far its corners rise, world units.
        opening: (N,) how far it opens, world units.
    """
    x, narrow, shown = globe.place(globe.zero, reach)
    half = half * narrow * (1 - 4 * opening.clamp_min(0) * (curve == 0))
    across = (globe.x - per_pixel(x)) / per_pixel(half)
    arch = (1 - across * across).clamp_min(-0.5)
    middle = per_pixel(y) - per_pixel(curve) * (arch - 0.4)
    thick = 0.009 + per_pixel(opening) * 0.5 * arch.clamp_min(0)
    mouth = torch.maximum((globe.y - middle).abs() - thick, (across.abs() - 1) * per_pixel(half))
    globe.canvas.paint(mouth, curve.new_tensor(LIPS).expand(len(curve), 3), opacity=shown)
