"""A person, painted from the back layer to the front."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import OUTLINE, Canvas, box, capsule, ellipse, per_pixel
from bases.pocket.world.fabric import patterned
from bases.pocket.world.people.head import paint_hair_behind, paint_head
from bases.pocket.world.people.look import PersonLook
from bases.pocket.world.people.pose import PersonPose


def paint_person(
    canvas: Canvas, look: PersonLook, pose: PersonPose, expression: Tensor, level: Tensor
) -> None:
    """Paint N people.

    Args:
        canvas: N pictures with their places already painted.
        look: N individuals.
        pose: N poses.
        expression: (N,) indices into `EXPRESSIONS`.
        level: (N,) intensity of the expression in [0, 1].
    """
    canvas.shadow(pose.hips[:, 0], 0.20 - 0.25 * pose.lift)
    paint_hair_behind(canvas, look, pose)
    _paint_legs(canvas, look, pose)
    _paint_torso(canvas, look, pose)
    paint_head(canvas, look, pose, expression, level)
    _paint_arms(canvas, look, pose)


def _paint_legs(canvas: Canvas, look: PersonLook, pose: PersonPose) -> None:
    x, y = canvas.x_NHW, canvas.y_NHW
    for side, sign in enumerate((-1, 1)):
        foot = pose.feet[:, side]
        leg = capsule(
            x, y, pose.hips[:, 0] + sign * 0.06, pose.hips[:, 1], foot[:, 0], foot[:, 1], 0.048
        )
        canvas.paint(leg, look.trousers, outline=OUTLINE)
        shoe = box(x, y, foot[:, 0] + sign * 0.012, foot[:, 1] - 0.008, 0.062, 0.03, 0.025)
        canvas.paint(shoe, look.trousers * 0.35, outline=OUTLINE)


def _paint_torso(canvas: Canvas, look: PersonLook, pose: PersonPose) -> None:
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
    shirt = patterned(
        look.pattern,
        look.shirt,
        look.shirt_second,
        x * width,
        canvas.y_NHW - per_pixel(bottom),
        period=0.088,
        pixel_N11=canvas.pixel_N11,
    )
    canvas.paint(torso, shirt, outline=OUTLINE)


def _paint_arms(canvas: Canvas, look: PersonLook, pose: PersonPose) -> None:
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
