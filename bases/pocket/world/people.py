"""A person, painted from the back layer to the front."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import INK, OUTLINE, Canvas, box, capsule, ellipse, per_pixel
from bases.pocket.world.heads import paint_hair_behind, paint_head
from bases.pocket.world.looks import PATTERNS, Look
from bases.pocket.world.poses import Pose


def paint_person(canvas: Canvas, look: Look, pose: Pose, expression: Tensor, level: Tensor) -> None:
    """Paint N people.

    Args:
        canvas: N pictures with their places already painted.
        look: N individuals.
        pose: N poses.
        expression: (N,) indices into `EXPRESSIONS`.
        level: (N,) intensity of the expression in [0, 1].
    """
    _paint_shadow(canvas, pose)
    paint_hair_behind(canvas, look, pose)
    _paint_legs(canvas, look, pose)
    _paint_torso(canvas, look, pose)
    paint_head(canvas, look, pose, expression, level)
    _paint_arms(canvas, look, pose)


def _paint_shadow(canvas: Canvas, pose: Pose) -> None:
    width = 0.20 - 0.25 * pose.lift
    shape = ellipse(canvas.x_NHW, canvas.y_NHW, pose.hips[:, 0], 0.0, width, 0.025)
    canvas.paint(shape, pose.hips.new_tensor(INK).expand(len(width), 3), opacity=0.35)


def _paint_legs(canvas: Canvas, look: Look, pose: Pose) -> None:
    x, y = canvas.x_NHW, canvas.y_NHW
    for side, sign in enumerate((-1, 1)):
        foot = pose.feet[:, side]
        leg = capsule(
            x, y, pose.hips[:, 0] + sign * 0.06, pose.hips[:, 1], foot[:, 0], foot[:, 1], 0.048
        )
        canvas.paint(leg, look.trousers, outline=OUTLINE)
        shoe = box(x, y, foot[:, 0] + sign * 0.012, foot[:, 1] - 0.008, 0.062, 0.03, 0.025)
        canvas.paint(shoe, look.trousers * 0.35, outline=OUTLINE)


def _paint_torso(canvas: Canvas, look: Look, pose: Pose) -> None:
    bottom, top = pose.hips[:, 1], pose.shoulders[:, 1] + 0.02
    rise = ((canvas.y_NHW - per_pixel(bottom)) / per_pixel(top - bottom)).clamp(0, 1)
    axis = torch.lerp(pose.hips[:, 0, None, None], pose.shoulders[:, 0, None, None], rise)
    width = per_pixel(look.girth) * (1.06 - 0.14 * rise)
    x = (canvas.x_NHW - axis) / width
    middle, half = (bottom + top) / 2, (top - bottom) / 2 + 0.02
    torso = box(
        x, canvas.y_NHW / width, 0.0, per_pixel(middle) / width, 1.0, per_pixel(half) / width, 0.4
    )
    torso = torso * width
    canvas.paint(
        torso,
        _shirt_colours(canvas, look, x * width, canvas.y_NHW - per_pixel(bottom)),
        outline=OUTLINE,
    )


def _shirt_colours(canvas: Canvas, look: Look, x: Tensor, y: Tensor) -> Tensor:
    """Colours (N, 3, H, W) of the shirt's fabric, with soft edges one pixel wide."""
    period = 0.088
    pixel = canvas.pixel_N11 / period

    def band(coordinate: Tensor) -> Tensor:
        wave = (torch.remainder(coordinate / period, 1.0) - 0.5).abs() - 0.25
        return (0.5 - wave / pixel).clamp(0, 1)

    across, along = band(x + period / 4), band(y)
    checks = across + along - 2 * across * along
    column = torch.remainder(x / period + 0.5, 1.0) - 0.5
    row = torch.remainder(y / period, 1.0) - 0.5
    dots = (0.5 - ((column**2 + row**2).sqrt() - 0.30) / pixel).clamp(0, 1)
    by_pattern = {"plain": torch.zeros_like(x), "stripes": along, "dots": dots, "checks": checks}
    second = torch.stack([by_pattern[name] for name in PATTERNS])
    mix = second.gather(0, look.pattern[None, :, None, None].expand(1, *x.shape))[0]
    first, other = look.shirt[:, :, None, None], look.shirt_second[:, :, None, None]
    return first + (other - first) * mix[:, None]


def _paint_arms(canvas: Canvas, look: Look, pose: Pose) -> None:
    x, y = canvas.x_NHW, canvas.y_NHW
    for side, sign in enumerate((-1, 1)):
        shoulder_x = pose.shoulders[:, 0] + sign * (look.girth - 0.025)
        shoulder_y = pose.shoulders[:, 1] - 0.025
        elbow, hand = pose.elbows[:, side], pose.hands[:, side]
        upper = capsule(x, y, shoulder_x, shoulder_y, elbow[:, 0], elbow[:, 1], 0.038)
        lower = capsule(x, y, elbow[:, 0], elbow[:, 1], hand[:, 0], hand[:, 1], 0.036)
        canvas.paint(torch.minimum(upper, lower), look.shirt * 0.9, outline=OUTLINE)
        palm = ellipse(x, y, hand[:, 0], hand[:, 1], 0.048, 0.048)
        canvas.paint(palm, look.skin, outline=OUTLINE)


def camera(shot_N: Tensor) -> tuple[Tensor, Tensor]:
    """Height of the camera's centre and half the picture's height, each (N,), by shot."""
    height = shot_N.new_tensor((0.755, 0.655, 0.535), dtype=torch.float32)
    half = shot_N.new_tensor((0.335, 0.475, 0.635), dtype=torch.float32)
    return height[shot_N], half[shot_N]
