"""A pet, painted from the back layer to the front."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import INK, OUTLINE, Canvas, capsule, ellipse, per_pixel
from bases.pocket.world.expressions import face_moves
from bases.pocket.world.fabric import patterned
from bases.pocket.world.face import paint_brows, paint_eyes, paint_mouth
from bases.pocket.world.globe import Globe
from bases.pocket.world.pets.look import EARS, PLANS, TAILS, PetLook
from bases.pocket.world.pets.pose import PetPose

_BEAK = (0.96, 0.66, 0.16)


def paint_pet(
    canvas: Canvas, look: PetLook, pose: PetPose, expression: Tensor, level: Tensor
) -> None:
    """Paint N pets.

    Args:
        canvas: N pictures with their places already painted.
        look: N individuals.
        pose: N poses.
        expression: (N,) indices into `EXPRESSIONS`.
        level: (N,) intensity of the expression in [0, 1].
    """
    middle = (pose.chest[:, 0] + pose.rump[:, 0]) / 2
    canvas.shadow(middle, 0.10 + 0.35 * look.length * pose.yaw.sin().abs() - 0.2 * pose.lift)
    towards = (pose.yaw.cos() > 0).to(pose.yaw.dtype)
    front, hind = (0, 1), (2, 3)
    _paint_tail(canvas, look, pose, towards)
    _paint_legs(canvas, look, pose, hind, towards)
    _paint_legs(canvas, look, pose, front, 1 - towards)
    _paint_trunk(canvas, look, pose)
    _paint_legs(canvas, look, pose, front, towards)
    _paint_legs(canvas, look, pose, hind, 1 - towards)
    _paint_wings(canvas, look, pose)
    _paint_head(canvas, look, pose, expression, level)
    _paint_tail(canvas, look, pose, 1 - towards)


def _is(values: Tensor, names: tuple[str, ...], name: str, like: Tensor) -> Tensor:
    return (values == names.index(name)).to(like.dtype)


def _paint_tail(canvas: Canvas, look: PetLook, pose: PetPose, shown: Tensor) -> None:
    along = -pose.yaw.sin()
    long, curled = (_is(look.tail, TAILS, name, along) for name in ("long", "curled"))
    reach = 0.07 + 0.08 * long
    bird = _is(look.plan, PLANS, "bird", along)
    root, rise = pose.rump, 0.4 * look.girth * (1 - bird)
    tip_x = root[:, 0] + along * (look.girth + reach) + 0.05 * pose.wag * (1 - bird)
    tip_y = root[:, 1] + rise + (0.06 + 0.10 * long) * (1 - bird) - 0.03 * bird
    x, y = canvas.x_NHW, canvas.y_NHW
    tail = capsule(x, y, root[:, 0], root[:, 1] + rise, tip_x, tip_y, 0.026 + 0.016 * bird)
    curl_x, curl_y = tip_x - 0.05 * along, tip_y + 0.05
    curl = capsule(x, y, tip_x, tip_y, curl_x, curl_y, 0.026)
    tail = torch.where((curled * (1 - bird) > 0)[:, None, None], torch.minimum(tail, curl), tail)
    canvas.paint(tail, look.second, outline=OUTLINE, opacity=shown)


def _paint_legs(
    canvas: Canvas, look: PetLook, pose: PetPose, which: tuple[int, ...], shown: Tensor
) -> None:
    bird = _is(look.plan, PLANS, "bird", shown)
    thick = 0.036 - 0.022 * bird
    beak = look.coat.new_tensor(_BEAK)
    colour = torch.lerp(look.coat * 0.9, beak.expand_as(look.coat), bird[:, None])
    for leg in which:
        shown_here = shown * (1 - bird) if leg in (0, 1) else shown
        hip, foot = pose.hips[:, leg], pose.feet[:, leg]
        bone = capsule(
            canvas.x_NHW, canvas.y_NHW, hip[:, 0], hip[:, 1], foot[:, 0], foot[:, 1], thick
        )
        canvas.paint(bone, colour, outline=OUTLINE, opacity=shown_here)


def _paint_trunk(canvas: Canvas, look: PetLook, pose: PetPose) -> None:
    (chest_x, chest_y), (rump_x, rump_y) = pose.chest.unbind(-1), pose.rump.unbind(-1)
    x, y = canvas.x_NHW, canvas.y_NHW
    trunk = capsule(x, y, rump_x, rump_y, chest_x, chest_y, look.girth)
    coat = patterned(
        look.pattern,
        look.coat,
        look.second,
        x - per_pixel((chest_x + rump_x) / 2 - 0.12 * pose.yaw),
        y - per_pixel(rump_y),
        period=look.period,
        pixel_N11=canvas.pixel_N11,
    )
    canvas.paint(trunk, coat, outline=OUTLINE)


def _paint_wings(canvas: Canvas, look: PetLook, pose: PetPose) -> None:
    bird = _is(look.plan, PLANS, "bird", pose.yaw)
    middle = (pose.chest + pose.rump) / 2
    for side in (-1.0, 1.0):
        sideways = side * pose.yaw.cos()
        x = middle[:, 0] + sideways * look.girth * 1.05
        y = middle[:, 1] + pose.flap * 0.5 * look.girth
        near = ((side * -pose.yaw.sin() + 0.75) / 0.2).clamp(0, 1)
        width = look.girth * (0.32 + 0.45 * pose.yaw.sin().abs() + 0.6 * pose.flap)
        wing = ellipse(canvas.x_NHW, canvas.y_NHW, x, y, width, look.girth * 0.72)
        canvas.paint(wing, look.second * 0.92, outline=OUTLINE, opacity=bird * near)


def _paint_head(
    canvas: Canvas, look: PetLook, pose: PetPose, expression: Tensor, level: Tensor
) -> None:
    head = Globe(
        canvas,
        pose.head,
        roll_N=pose.roll,
        yaw_N=pose.yaw,
        width_N=look.head,
        height_N=0.94 * look.head,
    )
    bird = _is(look.plan, PLANS, "bird", pose.yaw)
    _paint_collar(canvas, look, pose)
    _paint_crest(head, look, bird)
    _paint_ears(head, look, 1 - bird, ("pointed", "round"))
    canvas.paint(
        ellipse(head.x, head.y, 0.0, 0.0, head.width, head.height), look.coat, outline=OUTLINE
    )
    _paint_ears(head, look, 1 - bird, ("floppy",))
    curve, opening, lift, drop, eyes = face_moves(expression, level)
    reach = 0.75 + 3.2 * look.snout
    _paint_snout(head, look, reach, 1 - bird)
    mouth_y = -0.60 * head.height
    paint_mouth(head, reach=reach, y=mouth_y, half=0.05 + 0 * lift, curve=curve, opening=opening)
    _paint_beak(head, look, opening, bird)
    eye_y = 0.22 * head.height
    paint_eyes(head, gap=look.eye_gap, y=eye_y, size=look.eye_size, iris=look.iris, widen=eyes)
    paint_brows(
        head,
        gap=look.eye_gap,
        y=eye_y + 1.2 * look.eye_size + 0.018 + lift,
        thick=0.007 + 0 * lift,
        colour=look.coat * 0.4,
        drop=drop,
    )


def _paint_collar(canvas: Canvas, look: PetLook, pose: PetPose) -> None:
    (x, y), (cx, cy) = pose.head.unbind(-1), pose.chest.unbind(-1)
    neck_x, neck_y = torch.lerp(x, cx, 0.62), torch.lerp(y, cy, 0.62)
    band = ellipse(canvas.x_NHW, canvas.y_NHW, neck_x, neck_y, 0.66 * look.head, 0.034)
    canvas.paint(band, look.collar_colour, outline=OUTLINE, opacity=look.collar.to(x.dtype))


def _paint_ears(head: Globe, look: PetLook, shown: Tensor, shapes: tuple[str, ...]) -> None:
    for side in (-1.0, 1.0):
        x, _, _ = head.place(side * (head.zero + 0.85), 0.86)
        y, out = 0.68 * head.height, 0.25 * x
        for shape in shapes:
            if shape == "pointed":
                ear = torch.minimum(
                    capsule(head.x, head.y, x, y, x + out, y + 0.105, 0.016),
                    capsule(head.x, head.y, x, y, x + 0.5 * out, y + 0.05, 0.034),
                )
            elif shape == "round":
                ear = ellipse(head.x, head.y, x, y + 0.03, 0.052, 0.052)
            else:
                ear = ellipse(head.x, head.y, 1.18 * x, 0.05, 0.040, 0.095)
            worn = shown * _is(look.ears, EARS, shape, shown)
            head.canvas.paint(ear, look.second * 0.9, outline=OUTLINE, opacity=worn)


def _paint_crest(head: Globe, look: PetLook, shown: Tensor) -> None:
    top, back = 0.85 * head.height, -0.3 * head.width * head.yaw.sin()
    for shape, spread, rise in (
        ("pointed", 0.0, 0.10),
        ("floppy", 0.07, 0.06),
        ("round", 0.04, 0.03),
    ):
        worn = shown * _is(look.ears, EARS, shape, shown)
        for side in (-1.0, 0.0, 1.0):
            tip_x, tip_y = back + side * spread, top + rise * (1 - 0.3 * abs(side))
            feather = capsule(head.x, head.y, 0.5 * back, top, tip_x, tip_y, 0.022)
            head.canvas.paint(feather, look.second, outline=OUTLINE, opacity=worn)


def _paint_snout(head: Globe, look: PetLook, reach: Tensor, shown: Tensor) -> None:
    x, narrow, seen = head.place(head.zero, reach)
    y, wide = -0.38 * head.height, look.snout * (1.15 - 0.15 * narrow)
    muzzle = ellipse(head.x, head.y, 0.82 * x, y, wide, 0.8 * look.snout)
    pale = torch.lerp(look.coat, torch.ones_like(look.coat), 0.45)
    seen = shown * seen
    head.canvas.paint(muzzle, pale, outline=0.006, opacity=seen)
    nose = ellipse(head.x, head.y, x, y + 0.45 * look.snout, 0.45 * look.snout, 0.3 * look.snout)
    head.canvas.paint(nose, look.coat.new_tensor(INK).expand_as(look.coat), opacity=seen)


def _paint_beak(head: Globe, look: PetLook, opening: Tensor, shown: Tensor) -> None:
    x, narrow, seen = head.place(head.zero, 0.95 + 4 * look.snout)
    base_x, _, _ = head.place(head.zero, 0.8)
    beak = look.coat.new_tensor(_BEAK).expand_as(look.coat)
    for part in (-1.0, 1.0):
        y = -0.30 * head.height + part * 0.35 * opening - 0.012
        cone = torch.minimum(
            capsule(head.x, head.y, base_x, y, x, y - 0.012, 0.018),
            ellipse(head.x, head.y, base_x, y, 0.050 * (1.2 - 0.2 * narrow), 0.032),
        )
        head.canvas.paint(cone, beak * (0.92 + 0.08 * part), outline=0.006, opacity=shown * seen)
