"""A head that turns: features sit on a sphere and slide, shrink and vanish as it turns away."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import OUTLINE, Canvas, capsule, ellipse, per_pixel
from bases.pocket.world.expressions import face_moves
from bases.pocket.world.face import paint_brows, paint_eyes, paint_mouth
from bases.pocket.world.globe import Globe
from bases.pocket.world.people.look import HAIR_SHAPES, PersonLook
from bases.pocket.world.people.pose import PersonPose

_AFRO = HAIR_SHAPES.index("curly")
_SPIKY = HAIR_SHAPES.index("spiky")


class Head(Globe):
    """A person's head."""

    def __init__(self, canvas: Canvas, look: PersonLook, pose: PersonPose) -> None:
        super().__init__(
            canvas,
            pose.head,
            roll_N=pose.roll,
            yaw_N=pose.yaw,
            width_N=look.face_width,
            height_N=look.face_height,
        )
        self.look = look

    def hair_is(self, *shapes: str) -> Tensor:
        """Which heads have one of these hair shapes, (N,) booleans."""
        wanted = self.look.hair_shape.new_tensor([HAIR_SHAPES.index(s) for s in shapes])
        return (self.look.hair_shape[:, None] == wanted).any(1)


def paint_hair_behind(canvas: Canvas, look: PersonLook, pose: PersonPose) -> None:
    """The hair that hangs behind the neck and shoulders."""
    head = Head(canvas, look, pose)
    back = -0.25 * head.width * pose.yaw.sin()
    length = torch.where(head.hair_is("long"), 0.36, 0.20)
    wide = head.width * torch.where(head.hair_is("long"), 1.12, 1.20)
    curtain = capsule(head.x, head.y, back, 0.03, back, -length + wide * 0.55, wide)
    floor = per_pixel(-length) - head.y
    shown = head.hair_is("long", "bob").to(curtain.dtype)
    canvas.paint(torch.maximum(curtain, floor), look.hair * 0.82, outline=OUTLINE, opacity=shown)


def paint_head(
    canvas: Canvas, look: PersonLook, pose: PersonPose, expression: Tensor, level: Tensor
) -> None:
    """Everything above the shoulders that is not behind them."""
    head = Head(canvas, look, pose)
    neck_y = pose.shoulders[:, 1]
    neck = capsule(
        canvas.x_NHW,
        canvas.y_NHW,
        pose.shoulders[:, 0],
        neck_y,
        pose.shoulders[:, 0],
        neck_y + 0.05,
        0.05,
    )
    canvas.paint(neck, look.skin * 0.86, outline=OUTLINE)
    _paint_bun_or_afro(head)
    for side in (-1.0, 1.0):
        ear_x = side * head.width * pose.yaw.cos().abs()
        canvas.paint(
            ellipse(head.x, head.y, ear_x, -0.012, 0.034, 0.042), look.skin * 0.94, outline=OUTLINE
        )
    skull = ellipse(head.x, head.y, 0.0, 0.0, head.width, head.height)
    canvas.paint(skull, look.skin, outline=OUTLINE)
    curve, opening, lift, drop, eyes = face_moves(expression, level)
    eye_y = 0.10 * head.height
    _paint_nose(head)
    paint_mouth(
        head, reach=0.93, y=-0.55 * head.height, half=look.mouth, curve=curve, opening=opening
    )
    paint_eyes(head, gap=look.eye_gap, y=eye_y, size=look.eye_size, iris=look.iris, widen=eyes)
    _paint_hair(head)
    _paint_near_ear(head)
    brow_y = eye_y + 1.12 * look.eye_size + 0.026 + lift
    paint_brows(
        head, gap=look.eye_gap, y=brow_y, thick=look.brow, colour=look.hair * 0.55, drop=drop
    )
    _paint_glasses(head)


def _paint_bun_or_afro(head: Head) -> None:
    back = -0.35 * head.width * head.yaw.sin()
    knot = ellipse(head.x, head.y, back, head.height * 1.16, 0.075, 0.07)
    shown = head.hair_is("bun").to(knot.dtype)
    head.canvas.paint(knot, head.look.hair, outline=OUTLINE, opacity=shown)
    angle = torch.atan2(head.y - 0.04, head.x)
    puff = ellipse(head.x, head.y, 0.5 * back, 0.045, head.width * 1.38, head.height * 1.16)
    puff = puff - 0.010 * torch.cos(11 * angle)
    shown = head.hair_is("curly").to(knot.dtype)
    head.canvas.paint(puff, head.look.hair, outline=OUTLINE, opacity=shown)


def _paint_hair(head: Head) -> None:
    """A cap over the skull, open where the face looks out."""
    look, shape = head.look, head.look.hair_shape
    grown = torch.where(shape == _AFRO, 1.12, 1.05)
    cap = ellipse(head.x, head.y, 0.0, 0.012, head.width * grown, head.height * grown)
    ridge = (torch.remainder(torch.atan2(head.x, head.y) * 2.6 + 0.5, 1.0) - 0.5).abs()
    spikes = 0.045 * (1 - 2 * ridge) * per_pixel((shape == _SPIKY).to(cap.dtype))
    cap = torch.where(head.y > 0.05, cap - spikes, cap)

    opening_x = head.width * 0.72 * head.yaw.sin()
    top = head.height * look.hairline
    opening = ellipse(
        head.x, head.y, opening_x, top - 1.25 * head.height, head.width * 0.98, head.height * 1.25
    )
    opening = opening + per_pixel(0.6 * head.away)
    long = head.hair_is("bob", "long")
    short = torch.where(shape == _AFRO, -0.25, -0.12) - 0.55 * head.away
    lowest = torch.where(long, -0.75, short) * head.height
    hair = torch.maximum(torch.maximum(cap, -opening), per_pixel(lowest) - head.y)
    head.canvas.paint(hair, look.hair, outline=0.007)


def _paint_near_ear(head: Head) -> None:
    for side in (-1.0, 1.0):
        x, narrow, shown = head.place(torch.full_like(head.yaw, side * torch.pi / 2), 0.9)
        shown = shown * (head.yaw.sin().abs() > 0.45) * ~head.hair_is("bob", "long")
        ear = ellipse(head.x, head.y, x, -0.012, 0.034 * narrow.clamp_min(0.6), 0.045)
        head.canvas.paint(ear, head.look.skin * 0.94, outline=0.008, opacity=shown)


def _paint_nose(head: Head) -> None:
    look = head.look
    x, narrow, _ = head.place(head.zero, 1.02)
    y, width = -0.20 * head.height, look.nose * (1.6 - 0.6 * narrow)
    nose = ellipse(head.x, head.y, x, y, width, look.nose * 1.15)
    shown = (1 - 4 * head.away).clamp(0, 1)
    head.canvas.paint(nose, look.skin * 0.84, outline=0.005, opacity=shown)


def _paint_glasses(head: Head) -> None:
    look = head.look
    worn = (look.glasses > 0).to(look.skin.dtype)
    squareness = per_pixel((look.glasses == 2).to(look.skin.dtype))
    y = 0.09 * head.height
    centres = []
    for side in (-1.0, 1.0):
        x, narrow, shown = head.place(side * look.eye_gap, 1.04)
        centres.append((x, shown))
        rx, ry = 0.060 * narrow, 0.060
        circle = ellipse(head.x, head.y, x, y, rx, ry)
        beside, above = (head.x - per_pixel(x)).abs(), (head.y - per_pixel(y)).abs()
        square = torch.maximum(beside - per_pixel(rx), above - ry / 1.15)
        rim = torch.lerp(circle, square, squareness)
        head.canvas.paint(rim.abs() - 0.0095, look.frame, opacity=worn * shown)
    (left, left_shown), (right, right_shown) = centres
    bridge = capsule(head.x, head.y, left, y, right, y, 0.007)
    between = torch.maximum(
        bridge,
        (head.x - per_pixel((left + right) / 2)).abs()
        - per_pixel((right - left).abs() / 2 - 0.055),
    )
    head.canvas.paint(between, look.frame, opacity=worn * left_shown * right_shown)
