"""An object, painted: a silhouette, a pattern that turns with it, a badge on its front."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import OUTLINE, Canvas, box, ellipse, per_pixel
from bases.pocket.world.fabric import patterned
from bases.pocket.world.globe import Globe
from bases.pocket.world.things.look import BADGES, SHAPES, ThingLook
from bases.pocket.world.things.pose import ThingPose


def paint_thing(canvas: Canvas, look: ThingLook, pose: ThingPose) -> None:
    """Paint N objects.

    Args:
        canvas: N pictures with their places already painted.
        look: N individuals.
        pose: N poses.
    """
    canvas.shadow(pose.centre[:, 0], 0.9 * look.size - 0.12 * pose.lift)
    globe = Globe(
        canvas,
        pose.centre,
        roll_N=pose.roll,
        yaw_N=pose.yaw,
        width_N=look.size,
        height_N=look.size,
    )
    _paint_handle(globe, look)
    shape = _silhouette(globe, look)
    canvas.paint(shape, _surface(canvas, globe, look), outline=OUTLINE)
    canvas.paint(shape.abs() - 0.010, look.trim, opacity=_is(look.shape, SHAPES, "block", pose.yaw))
    _paint_badge(globe, look)


def _is(values: Tensor, names: tuple[str, ...], name: str, like: Tensor) -> Tensor:
    return (values == names.index(name)).to(like.dtype)


def _silhouette(globe: Globe, look: ThingLook) -> Tensor:
    """What rolls stays as wide as it is; the others get narrower from the side."""
    x, y, size = globe.x, globe.y, look.size
    narrow = size * (0.72 + 0.28 * globe.yaw.cos().abs())
    angle = torch.atan2(x, y)
    points = per_pixel(0.16 * size) * torch.cos(5 * angle)
    hole = -ellipse(x, y, 0.0, 0.0, 0.45 * narrow, 0.45 * size)
    ball = ellipse(x, y, 0.0, 0.0, size, size)
    shapes = {
        "ball": ball,
        "block": box(x, y, 0.0, 0.0, 0.88 * narrow, 0.88 * size, 0.03),
        "star": ellipse(x, y, 0.0, 0.0, 0.84 * narrow, 0.84 * size) - points,
        "ring": torch.maximum(ellipse(x, y, 0.0, 0.0, narrow, size), hole),
        "mug": box(x, y, 0.0, 0.0, 0.74 * size, 0.95 * size, 0.04),
        "egg": ellipse(x, y - 0.12 * per_pixel(size), 0.0, 0.0, 0.78 * size, size)
        - 0.10 * (per_pixel(size) - y).clamp(0, 0.2),
    }
    every = torch.stack([shapes[name] for name in SHAPES])
    return every.gather(0, look.shape[None, :, None, None].expand(1, *x.shape))[0]


def _surface(canvas: Canvas, globe: Globe, look: ThingLook) -> Tensor:
    """The pattern, wrapped around a globe, so that it slides as the object turns."""
    size = per_pixel(look.size)
    around = (globe.x / (1.02 * size)).clamp(-0.97, 0.97).asin() - per_pixel(globe.yaw)
    u, v = around * size, globe.y
    cos, sin = per_pixel(look.slant.cos()), per_pixel(look.slant.sin())
    return patterned(
        look.pattern,
        look.first,
        look.second,
        u * cos + v * sin,
        v * cos - u * sin,
        period=look.period,
        pixel_N11=canvas.pixel_N11,
    )


def _paint_handle(globe: Globe, look: ThingLook) -> None:
    x, _, _ = globe.place(globe.zero + torch.pi / 2, 0.82)
    width = 0.12 * look.size + 0.34 * look.size * globe.yaw.cos().abs()
    outer = ellipse(globe.x, globe.y, x, 0.0, width, 0.5 * look.size)
    handle = outer.abs() - 0.022
    worn = _is(look.shape, SHAPES, "mug", look.size)
    globe.canvas.paint(handle, look.trim, outline=OUTLINE, opacity=worn)


def _paint_badge(globe: Globe, look: ThingLook) -> None:
    x, narrow, seen = globe.place(globe.zero, 0.9)
    size = look.badge_size * look.size
    dx = (globe.x - per_pixel(x)).abs() / per_pixel(narrow)
    dy = globe.y.abs()
    reach = per_pixel(size)
    shapes = {
        "none": torch.ones_like(dx),
        "disc": (dx * dx + dy * dy).sqrt() - reach,
        "diamond": (dx + dy - 1.2 * reach) * 0.7,
        "cross": torch.minimum(
            torch.maximum(dx - reach, dy - 0.36 * reach),
            torch.maximum(dy - reach, dx - 0.36 * reach),
        ),
    }
    every = torch.stack([shapes[name] for name in BADGES])
    badge = every.gather(0, look.badge[None, :, None, None].expand(1, *dx.shape))[0]
    solid = (look.shape != SHAPES.index("ring")).to(size.dtype)
    globe.canvas.paint(badge, look.badge_colour, outline=0.006, opacity=seen * solid)
