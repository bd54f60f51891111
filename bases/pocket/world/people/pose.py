"""Where a person's joints are at a moment of an action."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bases.pocket.world.people.look import PersonLook
from bases.pocket.world.physics import leap
from bases.pocket.world.rows import Rows
from bases.pocket.world.scenes import Scene

SHOULDER_HEIGHT = 0.53
CHIN_HEIGHT = 0.555
KICK_SPREAD = 0.11
"""Seconds that a kick takes to swing through."""


@dataclass(frozen=True)
class PersonPose(Rows):
    """N poses; points are (N, 2) in world units, x right and y up, the ground at y = 0.

    Attributes:
        hips: middle of the hips.
        shoulders: middle of the shoulders.
        head: the head's centre.
        roll: the head's tilt, radians.
        yaw: the head's turn, radians.
        hands: (N, 2, 2), left of the picture first, then right.
        elbows: the same.
        feet: the same.
        lift: height of the feet over the ground.
        travel: how far the person has walked, in half pictures.
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
    travel: Tensor


def person_pose(look: PersonLook, scene: Scene, seconds_N: Tensor) -> PersonPose:
    """The pose of N people in their scenes.

    A jump is a parabola under `GRAVITY`: it leaves the ground with the speed that reaches the
    scene's `jump` height, lands, rests for a quarter of a second, and leaves again.
    """
    body = _Body(scene, seconds_N)
    x, y = scene.offset + body.sway, body.lift + body.bob
    hips = _point(scene.offset + 0.4 * body.sway, look.leg + y)
    shoulders = _point(x, SHOULDER_HEIGHT + y - 0.05 * body.bowed)
    chin = _point(x + 0.3 * body.sway, CHIN_HEIGHT + y - 0.13 * body.bowed)
    head = chin + look.face_height[:, None] * _point(torch.sin(-body.roll), torch.cos(body.roll))
    limbs = [_limbs(look, scene, body, side) for side in (-1.0, 1.0)]
    hands, elbows, feet = (torch.stack(part, 1) for part in zip(*limbs, strict=True))
    over = _point(x, y)[:, None]
    return PersonPose(
        hips=hips,
        shoulders=shoulders,
        head=head,
        roll=body.roll,
        yaw=scene.yaw + scene.yaw_rate * seconds_N + body.turned,
        hands=hands + over,
        elbows=elbows + over,
        feet=feet,
        lift=body.lift,
        travel=(0.55 * scene.does("walk") + 1.3 * scene.does("run")) * scene.side * seconds_N,
    )


def kick_at(scene: Scene) -> Tensor:
    """The second at which a foot meets the ball."""
    return 0.35 + 0.5 * scene.phase


class _Body:
    """How the whole body moves, each (N,)."""

    def __init__(self, scene: Scene, seconds: Tensor) -> None:
        self.does = scene.does
        self.seconds, self.phase = seconds, scene.phase
        walks, runs, cheers = self.does("walk"), self.does("run"), self.does("cheer")
        self.lift = self.does("jump") * leap(scene.jump, 0.25, seconds, scene.phase)
        self.step = walks * self.swing(1.4) + runs * 1.7 * self.swing(2.3)
        self.bob = (
            0.022 * walks * self.swing(1.4).abs()
            + 0.045 * runs * self.swing(2.3).abs()
            + 0.030 * cheers * self.swing(1.8).abs()
            + 0.004 * self.does("stand") * self.swing(0.5)
        )
        self.sway = self.does("dance") * 0.065 * self.swing(1.25)
        self.roll = (
            0.20 * self.does("dance") * self.swing(1.25)
            + 0.03 * walks * self.swing(1.4)
            + 0.05 * runs * self.swing(2.3)
        )
        self.bowed = self.does("bow") * (0.5 - 0.5 * torch.cos(2 * math.pi * self.cycles(0.6)))
        self.turned = self.does("turn") * scene.side * 2 * math.pi * 0.45 * seconds
        late = seconds - kick_at(scene)
        self.kick = self.does("kick") * (
            torch.exp(-((late / KICK_SPREAD) ** 2))
            - 0.5 * torch.exp(-(((late + 0.28) / KICK_SPREAD) ** 2))
        )

    def cycles(self, hertz: float) -> Tensor:
        return hertz * self.seconds + self.phase

    def swing(self, hertz: float) -> Tensor:
        return torch.sin(2 * math.pi * self.cycles(hertz))


def _limbs(look: PersonLook, scene: Scene, body: _Body, side: float) -> tuple[Tensor, ...]:
    """Hand, elbow (both from the body's middle) and foot on one side of the picture, (N, 2)."""
    does, zero = body.does, torch.zeros_like(body.seconds)
    reach = look.girth + 0.06
    step = body.step * side
    arm_up = does("dance") * (0.5 + 0.5 * side * body.swing(1.25))
    waves = does("wave") * (scene.side == side)
    clapping = 0.035 + 0.085 * (0.5 + 0.5 * body.swing(2.2))
    x = side * (reach + 0.03 * does("jump") + 0.03 * body.kick.abs())
    y = 0.27 + 0.05 * step + 0.6 * body.lift + 0.06 * does("run") - 0.04 * body.bowed
    for share, hand_x, hand_y in (
        (arm_up, side * (reach + 0.07), zero + 0.66),
        (waves, side * 0.265 + 0.055 * body.swing(2.2), zero + 0.84),
        (does("clap"), side * clapping, zero + 0.50),
        (does("cheer"), side * (reach + 0.08) + 0.02 * body.swing(1.8), zero + 0.86),
    ):
        x, y = torch.lerp(x, hand_x, share), torch.lerp(y, hand_y, share)
    elbow = _point(side * (reach + 0.035), 0.5 * (y + 0.40))
    kick = body.kick * (scene.side == side)
    foot = _point(
        scene.offset + side * 0.075 + 0.03 * step + side * 0.13 * kick,
        body.lift + 0.05 * step.clamp_min(0) + 0.03 + 0.10 * kick.abs(),
    )
    return _point(x, y), elbow, foot


def _point(x: Tensor, y: Tensor) -> Tensor:
    return torch.stack((x, y), -1)
