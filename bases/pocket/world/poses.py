"""Poses: where a puppet's joints are at a moment of an action."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bases.pocket.world.looks import Look
from bases.pocket.world.scenes import ACTIONS, GRAVITY, Scene

SHOULDER_HEIGHT = 0.53
CHIN_HEIGHT = 0.555


@dataclass(frozen=True)
class Pose:
    """N poses; points are (N, 2) in world units, x right and y up, the ground at y = 0.

    Hands and feet are (N, 2, 2): left of the picture first, then right. `head` is the head's
    centre, `roll` its tilt and `yaw` its turn in radians, `lift` the height of the feet over the
    ground and `pan` how far the place has moved sideways.
    """

    hips: Tensor
    shoulders: Tensor
    head: Tensor
    roll: Tensor
    yaw: Tensor
    hands: Tensor
    elbows: Tensor
    feet: Tensor
    lift: Tensor
    pan: Tensor


def pose_at(look: Look, scene: Scene, seconds_N: Tensor) -> Pose:
    """The pose of each individual in its scene.

    Args:
        look: N individuals.
        scene: N scenes.
        seconds_N: the moment in each scene, from its start.

    A jump is a parabola under `GRAVITY`: it leaves the ground with the speed that reaches the
    scene's `jump` height, lands, rests for a quarter of a second, and leaves again.
    """
    does = {name: (scene.action == index).to(seconds_N.dtype) for index, name in enumerate(ACTIONS)}
    zero = torch.zeros_like(seconds_N)

    def swing(hertz: float, shift: float = 0.0) -> Tensor:
        return torch.sin(2 * math.pi * (hertz * seconds_N + scene.phase + shift))

    lift = does["jump"] * _jump_height(scene, seconds_N)
    bob = does["walk"] * 0.022 * swing(1.4).abs() + does["stand"] * 0.004 * swing(0.5)
    sway = does["dance"] * 0.065 * swing(1.25)
    roll = does["dance"] * 0.20 * swing(1.25) + does["walk"] * 0.03 * swing(1.4)
    x, y = scene.offset + sway, lift + bob

    def point(px: Tensor, py: Tensor) -> Tensor:
        return torch.stack((px, py), -1)

    hips = point(scene.offset + 0.4 * sway, look.leg + y)
    shoulders = point(x, SHOULDER_HEIGHT + y)
    chin = point(x + 0.3 * sway, CHIN_HEIGHT + y)
    head = chin + look.face_height[:, None] * point(torch.sin(-roll), torch.cos(roll))

    hands, elbows, feet = [], [], []
    for side in (-1.0, 1.0):
        reach = look.girth + 0.06
        stride = does["walk"] * swing(1.4) * side
        arm_up = does["dance"] * (0.5 + 0.5 * side * swing(1.25))
        waves = does["wave"] * (scene.side == side)
        open_hand = 0.035 + 0.085 * (0.5 + 0.5 * swing(2.2))
        hand_x = side * (reach + 0.03 * does["jump"])
        hand_y = 0.27 + 0.05 * stride + lift * 0.6
        hand_x = torch.lerp(hand_x, side * (reach + 0.07), arm_up)
        hand_y = torch.lerp(hand_y, zero + 0.66, arm_up)
        hand_x = torch.lerp(hand_x, side * 0.265 + 0.055 * swing(2.2), waves)
        hand_y = torch.lerp(hand_y, zero + 0.84, waves)
        hand_x = torch.lerp(hand_x, side * open_hand, does["clap"])
        hand_y = torch.lerp(hand_y, zero + 0.50, does["clap"])
        hands.append(point(x + hand_x, y + hand_y))
        bend = torch.stack((x + side * (reach + 0.035), y + 0.5 * (hand_y + 0.40)), -1)
        elbows.append(bend)
        feet.append(
            point(
                scene.offset + side * 0.075 + 0.03 * stride,
                lift + 0.05 * (stride).clamp_min(0) + 0.03,
            )
        )
    return Pose(
        hips=hips,
        shoulders=shoulders,
        head=head,
        roll=roll,
        yaw=scene.yaw + scene.yaw_rate * seconds_N,
        hands=torch.stack(hands, 1),
        elbows=torch.stack(elbows, 1),
        feet=torch.stack(feet, 1),
        lift=lift,
        pan=scene.pan + does["walk"] * scene.side * 0.55 * seconds_N,
    )


def _jump_height(scene: Scene, seconds_N: Tensor) -> Tensor:
    speed = (2 * GRAVITY * scene.jump).sqrt()
    airborne = 2 * speed / GRAVITY
    cycle = airborne + 0.25
    t = torch.remainder(seconds_N + scene.phase * cycle, cycle)
    return (speed * t - 0.5 * GRAVITY * t * t).clamp_min(0)
