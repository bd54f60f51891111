"""Where an object is at a moment of what it does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bases.pocket.world.physics import GRAVITY, bouncing, sliding
from bases.pocket.world.rows import Rows
from bases.pocket.world.scenes import Scene
from bases.pocket.world.things.look import ThingLook

FRICTION = 0.55
"""Of what slides, world units a second squared."""

_DROP = 0.42
_NEAR = (0.4, 0.7, 1.0)
"""How far things go, by shot: less where the camera is near."""


@dataclass(frozen=True)
class ThingPose(Rows):
    """N poses.

    Attributes:
        centre: (N, 2) in world units, x right and y up, the ground at y = 0.
        roll: (N,) tilt in radians.
        yaw: (N,) turn in radians.
        lift: (N,) height of its lowest point over the ground.
        travel: (N,) how far the place has moved; objects leave it where it is.
    """

    centre: Tensor
    roll: Tensor
    yaw: Tensor
    lift: Tensor
    travel: Tensor


def thing_pose(look: ThingLook, scene: Scene, seconds_N: Tensor) -> ThingPose:
    """The pose of N objects in their scenes.

    What bounces falls from a height of 0.42 world units under `GRAVITY` and keeps the scene's
    `restitution` of its speed each time; what rolls turns as fast as its size demands.
    """
    does = scene.does
    near = seconds_N.new_tensor(_NEAR)[scene.shot]
    rolled = scene.side * near * (0.5 * scene.speed * seconds_N - 0.30)
    slid = scene.side * near * (sliding(scene.speed, FRICTION, seconds_N) - 0.30)
    falls_from = math.sqrt(2 * GRAVITY * _DROP)
    start = math.sqrt(2 * _DROP / GRAVITY)
    up = torch.full_like(seconds_N, falls_from)
    lift = does("bounce") * bouncing(up, scene.restitution, seconds_N + start * (0.6 + scene.phase))
    x = scene.offset + does("roll") * rolled + does("slide") * slid
    return ThingPose(
        centre=torch.stack((x, look.size + lift), -1),
        roll=-does("roll") * rolled / look.size,
        yaw=scene.yaw
        + scene.yaw_rate * seconds_N
        + does("spin") * scene.side * 2 * math.pi * 0.55 * seconds_N,
        lift=lift,
        travel=torch.zeros_like(seconds_N),
    )
