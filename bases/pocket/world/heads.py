"""A head that turns: features sit on a sphere and slide, shrink and vanish as it turns away."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import INK, OUTLINE, Canvas, capsule, ellipse, per_pixel
from bases.pocket.world.looks import HAIR_SHAPES, Look
from bases.pocket.world.poses import Pose
from bases.pocket.world.scenes import EXPRESSIONS

# How each expression moves the face: the mouth's curve and opening, the height of the brows, how
# far their inner ends drop, and how wide the eyes open. One row an entry of EXPRESSIONS.
_FACES = {
    "neutral": (0.0, 0.0, 0.0, 0.0, 0.0),
    "happy": (0.030, 0.026, 0.006, 0.0, -0.10),
    "sad": (-0.028, 0.0, 0.004, -0.026, -0.30),
    "angry": (-0.014, 0.004, -0.014, 0.032, -0.22),
    "surprised": (0.0, 0.060, 0.026, 0.0, 0.38),
}
_AFRO = HAIR_SHAPES.index("curly")
_SPIKY = HAIR_SHAPES.index("spiky")


class _Head:
    """Head-local coordinates: the origin at its centre, tilted with it."""

    def __init__(self, canvas: Canvas, look: Look, pose: Pose) -> None:
        self.canvas, self.look, self.yaw = canvas, look, pose.yaw
        dx = canvas.x_NHW - per_pixel(pose.head[:, 0])
        dy = canvas.y_NHW - per_pixel(pose.head[:, 1])
        cos, sin = per_pixel(pose.roll.cos()), per_pixel(pose.roll.sin())
        self.x, self.y = dx * cos + dy * sin, dy * cos - dx * sin
        self.width, self.height = look.face_width, look.face_height
        self.ink = look.skin.new_tensor(INK).expand_as(look.skin)

    def place(self, azimuth: Tensor, reach: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
        """Where a feature at `azimuth` radians off the nose is seen.

        Returns:
            its x (N,), how much narrower it looks in (0, 1], and how visible it is in [0, 1].
        """
        angle = azimuth + self.yaw
        facing = angle.cos()
        return (
            self.width * reach * angle.sin(),
            facing.clamp_min(0.22),
            ((facing + 0.06) / 0.2).clamp(0, 1),
        )

    def hair_is(self, *shapes: str) -> Tensor:
        wanted = self.look.hair_shape.new_tensor([HAIR_SHAPES.index(s) for s in shapes])
        return (self.look.hair_shape[:, None] == wanted).any(1)


def paint_hair_behind(canvas: Canvas, look: Look, pose: Pose) -> None:
    """The hair that hangs behind the neck and shoulders."""
    head = _Head(canvas, look, pose)
    back = -0.25 * head.width * pose.yaw.sin()
    length = torch.where(head.hair_is("long"), 0.36, 0.20)
    wide = head.width * torch.where(head.hair_is("long"), 1.12, 1.20)
    curtain = capsule(head.x, head.y, back, 0.03, back, -length + wide * 0.55, wide)
    floor = per_pixel(-length) - head.y
    shown = head.hair_is("long", "bob").to(curtain.dtype)
    canvas.paint(torch.maximum(curtain, floor), look.hair * 0.82, outline=OUTLINE, opacity=shown)


def paint_head(canvas: Canvas, look: Look, pose: Pose, expression: Tensor, level: Tensor) -> None:
    """Everything above the shoulders that is not behind them."""
    head = _Head(canvas, look, pose)
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
    face = dict(
        zip(("curve", "opening", "lift", "drop", "eyes"), _weights(expression, level), strict=True)
    )
    _paint_nose_and_mouth(head, face["curve"], face["opening"])
    _paint_eyes(head, face["eyes"])
    _paint_hair(head)
    _paint_near_ear(head)
    _paint_brows(head, face["lift"], face["drop"])
    _paint_glasses(head)


def _weights(expression: Tensor, level: Tensor) -> tuple[Tensor, ...]:
    rows = level.new_tensor([_FACES[name] for name in EXPRESSIONS])
    return (rows[expression] * level[:, None]).unbind(1)


def _paint_bun_or_afro(head: _Head) -> None:
    back = -0.35 * head.width * head.yaw.sin()
    knot = ellipse(head.x, head.y, back, head.height * 1.16, 0.075, 0.07)
    shown = head.hair_is("bun").to(knot.dtype)
    head.canvas.paint(knot, head.look.hair, outline=OUTLINE, opacity=shown)
    angle = torch.atan2(head.y - 0.04, head.x)
    puff = ellipse(head.x, head.y, 0.5 * back, 0.045, head.width * 1.38, head.height * 1.16)
    puff = puff - 0.010 * torch.cos(11 * angle)
    shown = head.hair_is("curly").to(knot.dtype)
    head.canvas.paint(puff, head.look.hair, outline=OUTLINE, opacity=shown)


def _paint_hair(head: _Head) -> None:
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
    long = head.hair_is("bob", "long")
    lowest = torch.where(
        long, -0.75 * head.height, torch.where(shape == _AFRO, -0.25, -0.12) * head.height
    )
    hair = torch.maximum(torch.maximum(cap, -opening), per_pixel(lowest) - head.y)
    head.canvas.paint(hair, look.hair, outline=0.007)


def _paint_near_ear(head: _Head) -> None:
    for side in (-1.0, 1.0):
        x, narrow, shown = head.place(torch.full_like(head.yaw, side * torch.pi / 2), 0.9)
        shown = shown * (head.yaw.sin().abs() > 0.45) * ~head.hair_is("bob", "long")
        ear = ellipse(head.x, head.y, x, -0.012, 0.034 * narrow.clamp_min(0.6), 0.045)
        head.canvas.paint(ear, head.look.skin * 0.94, outline=0.008, opacity=shown)


def _paint_eyes(head: _Head, widen: Tensor) -> None:
    look = head.look
    for side in (-1.0, 1.0):
        x, narrow, shown = head.place(side * look.eye_gap)
        rx, ry = look.eye_size * narrow, look.eye_size * 1.12 * (1 + widen)
        white = torch.full_like(look.skin, 0.98)
        y = 0.10 * head.height
        head.canvas.paint(
            ellipse(head.x, head.y, x, y, rx, ry), white, outline=0.008, opacity=shown
        )
        look_x = x + 0.25 * rx * head.yaw.sin()
        for radius, colour in ((0.66, look.iris), (0.34, head.ink)):
            iris = ellipse(head.x, head.y, look_x, y, rx * radius, look.eye_size * radius)
            head.canvas.paint(iris, colour, opacity=shown)


def _paint_brows(head: _Head, lift: Tensor, drop: Tensor) -> None:
    look = head.look
    for side in (-1.0, 1.0):
        x, narrow, shown = head.place(side * look.eye_gap)
        half = 0.040 * narrow
        y = 0.10 * head.height + 1.12 * look.eye_size + 0.026 + lift
        inner, outer = y - drop, y + 0.3 * drop
        brow = capsule(head.x, head.y, x - side * half, inner, x + side * half, outer, look.brow)
        head.canvas.paint(brow, look.hair * 0.55, opacity=shown)


def _paint_nose_and_mouth(head: _Head, curve: Tensor, opening: Tensor) -> None:
    look = head.look
    zero = torch.zeros_like(head.yaw)
    x, narrow, shown = head.place(zero, 1.02)
    y = -0.20 * head.height
    nose = ellipse(head.x, head.y, x, y, look.nose * (1.6 - 0.6 * narrow), look.nose * 1.15)
    head.canvas.paint(nose, look.skin * 0.84, outline=0.005)

    x, narrow, shown = head.place(zero, 0.93)
    half = look.mouth * narrow * (1 - 4 * opening.clamp_min(0) * (curve == 0))
    across = (head.x - per_pixel(x)) / per_pixel(half)
    arch = (1 - across * across).clamp_min(-0.5)
    middle = per_pixel(-0.55 * head.height) - per_pixel(curve) * arch + per_pixel(curve) * 0.4
    thick = 0.009 + per_pixel(opening) * 0.5 * arch.clamp_min(0)
    mouth = torch.maximum((head.y - middle).abs() - thick, (across.abs() - 1) * per_pixel(half))
    lips = look.skin.new_tensor((0.55, 0.12, 0.14)).expand_as(look.skin)
    head.canvas.paint(mouth, lips, opacity=shown)


def _paint_glasses(head: _Head) -> None:
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
