"""Where a pet's parts are at a moment of an action."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bases.pocket.world.pets.look import PLANS, PetLook
from bases.pocket.world.physics import leap
from bases.pocket.world.rows import Rows
from bases.pocket.world.scenes import Scene

_LEGS = ((1.0, -1.0), (1.0, 1.0), (-1.0, -1.0), (-1.0, 1.0))
"""Of each leg, whether it is in front, and on which side."""


@dataclass(frozen=True)
class PetPose(Rows):
    """N poses; points are (N, 2) in world units, x right and y up, the ground at y = 0.

    Attributes:
        chest: middle of the front of the body.
        rump: middle of its back.
        head: the head's centre.
        roll: the head's tilt, radians.
        yaw: the body's and the head's turn, radians.
        hips: (N, 4, 2) where the legs start, the front ones first; a bird has the hind ones alone.
        feet: (N, 4, 2).
        wag: the tail's swing, in [-1, 1].
        flap: how far the wings are raised, in [0, 1].
        lift: height of the feet over the ground.
        travel: how far the pet has walked, in half pictures.
    """

    chest: Tensor
    rump: Tensor
    head: Tensor
    roll: Tensor
    yaw: Tensor
    hips: Tensor
    feet: Tensor
    wag: Tensor
    flap: Tensor
    lift: Tensor
    travel: Tensor


def pet_pose(look: PetLook, scene: Scene, seconds_N: Tensor) -> PetPose:
    """The pose of N pets in their scenes; a jump is a parabola, as a person's is."""
    does = scene.does

    def swing(hertz: float) -> Tensor:
        return torch.sin(2 * math.pi * (hertz * seconds_N + scene.phase))

    bird = (look.plan == PLANS.index("bird")).to(seconds_N.dtype)
    goes = does("walk") + does("run")
    step = does("walk") * swing(1.6) + does("run") * 1.6 * swing(2.8)
    lift = does("jump") * leap(0.8 * scene.jump, 0.2, seconds_N, scene.phase)
    bob = 0.015 * goes * step.abs() + 0.004 * swing(0.6)
    # Who travels is seen from the side of the way that it goes.
    ahead = torch.where(goes > 0, scene.side * scene.yaw.abs().clamp(0.5, 2.6), scene.yaw)
    turned = does("turn") * scene.side * 2 * math.pi * 0.45 * seconds_N
    yaw = ahead + scene.yaw_rate * seconds_N + turned
    along, across = yaw.sin(), yaw.cos()
    sits = does("sit")
    half = 0.5 * look.length * torch.lerp(torch.ones_like(bird), 0.5 * torch.ones_like(bird), bird)

    def point(forward: Tensor, sideways: Tensor | float, height: Tensor) -> Tensor:
        """What is nearer to the camera is lower in the picture."""
        x = scene.offset + forward * along + sideways * across
        return torch.stack((x, height - 0.10 * (forward * across - sideways * along)), -1)

    body = look.leg + look.girth + bob + lift
    chest = point(half, 0.0, body + 0.02 * sits + 0.05 * bird)
    rump = point(-half, 0.0, body - sits * (look.leg - 0.01))
    up = look.girth + 0.62 * look.head
    head = point(half + 0.02, 0.0, body + up + 0.05 * bird + 0.012 * sits * swing(0.6))
    hips, feet = [], []
    for front, side in _LEGS:
        there = front * half * 0.85 * (1 - bird)
        hip = point(there, side * 0.6 * look.girth, body - (front < 0) * sits * look.leg)
        stride = 0.05 * step * front * side
        foot = point(
            there + stride + 0.06 * sits * (front < 0),
            side * 0.65 * look.girth,
            0.025 + lift + 0.04 * (step * front * side).clamp_min(0),
        )
        hips.append(hip)
        feet.append(foot)
    return PetPose(
        chest=chest,
        rump=rump,
        head=head,
        roll=0.06 * step + 0.10 * sits * swing(0.5),
        yaw=yaw,
        hips=torch.stack(hips, 1),
        feet=torch.stack(feet, 1),
        wag=swing(3.0) * (0.35 + 0.65 * sits),
        flap=(does("jump") * (0.5 + 0.5 * swing(4.0)) + does("run") * swing(3.0).abs()).clamp(0, 1),
        lift=lift,
        travel=(0.5 * does("walk") + 1.2 * does("run")) * scene.side * seconds_N,
    )
