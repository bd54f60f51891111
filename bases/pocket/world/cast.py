"""The cast: who is in each picture, and in what pose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bases.pocket.world.camera import camera_at
from bases.pocket.world.looks import Look
from bases.pocket.world.people.pose import person_pose
from bases.pocket.world.pets.pose import pet_pose
from bases.pocket.world.scenes import ACTIONS, COMPANY, KINDS, Scene
from bases.pocket.world.things.pose import thing_pose

_IDLE = {"person": "stand", "pet": "stand", "object": "rest"}
_ASIDE = {"person": 0.24, "pet": 0.20, "object": 0.17}

_POSES: dict[str, Callable[..., Any]] = {
    "person": lambda look, scene, seconds: person_pose(look.person, scene, seconds),
    "pet": lambda look, scene, seconds: pet_pose(look.pet, scene, seconds),
    "object": lambda look, scene, seconds: thing_pose(look.thing, scene, seconds),
}


@dataclass(frozen=True)
class Part:
    """All who are of one kind and play the same part.

    Attributes:
        kind: of `KINDS`.
        leads: whether they are the scenes' subjects, or else who stands beside them.
        rows: (N,) booleans, in which pictures they are.
        look: their looks.
        scene: their scenes, with their own action and place in the picture.
        seconds: the moments.
        pose: a `PersonPose`, `PetPose` or `ThingPose`.
    """

    kind: str
    leads: bool
    rows: Tensor
    look: Look
    scene: Scene
    seconds: Tensor
    pose: Any

    def travel_in(self, count: int) -> Tensor:
        """How far they have travelled, 0 in the pictures in which they are not."""
        travel = torch.zeros(count, device=self.rows.device)
        travel[self.rows] = self.pose.travel
        return travel


def cast_of(look: Look, scene: Scene, seconds_N: Tensor) -> list[Part]:
    """Everyone in N moments, in the order in which they are painted: company behind the lead."""
    aside = seconds_N.new_tensor([_ASIDE[kind] for kind in KINDS])
    alone = scene.company == COMPANY.index("alone")
    accompanied = scene.company - 1
    gap = torch.where(alone, 0.0, aside[scene.kind] + aside[accompanied.clamp_min(0)]) / 1.7
    turn = camera_at(scene, seconds_N).turn
    lead = replace(scene, offset=scene.offset - scene.side * gap, yaw=scene.yaw + turn)
    idle = torch.tensor([ACTIONS.index(_IDLE[kind]) for kind in KINDS], device=look.device)
    company = replace(
        lead,
        kind=accompanied,
        action=idle[accompanied.clamp_min(0)],
        offset=scene.offset + scene.side * gap,
        yaw=turn - 0.6 * scene.side,
    )
    parts = []
    for leads, looks, scenes in ((False, scene.partner, company), (True, look, lead)):
        for index, kind in enumerate(KINDS):
            rows = scenes.kind == index
            if bool(rows.any()):
                seconds = seconds_N[rows]
                pose = _POSES[kind](looks[rows], scenes[rows], seconds)
                parts.append(Part(kind, leads, rows, looks[rows], scenes[rows], seconds, pose))
    return parts
