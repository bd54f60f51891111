"""The camera: how near it is, and how it moves."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bases.pocket.world.rows import Rows
from bases.pocket.world.scenes import COMPANY, KINDS, MOVES, SHOTS, Scene

# By kind: the height that matters most (a face's, say), and by shot the height of the picture's
# middle and half the picture's height, in world units.
_FRAMES = {
    "person": (0.75, ((0.755, 0.335), (0.655, 0.475), (0.535, 0.635))),
    "pet": (0.42, ((0.42, 0.30), (0.35, 0.40), (0.36, 0.58))),
    "object": (0.20, ((0.22, 0.26), (0.25, 0.38), (0.31, 0.60))),
}
_MIXED_MIDDLE, _MIXED_HALF = 0.50, (0.52, 0.58, 0.70)
"""The same where a person and someone smaller are side by side."""

_ORBIT_RATE = 0.9


def half_height(kind_N: Tensor, shot_N: Tensor) -> Tensor:
    """World units (N,) from the middle of a picture to its edge, of a lone subject at the start."""
    halves = [[half for _, half in shots] for _, shots in (_FRAMES[kind] for kind in KINDS)]
    return torch.tensor(halves, device=kind_N.device)[kind_N, shot_N]


@dataclass(frozen=True)
class Camera(Rows):
    """N cameras.

    Attributes:
        centre: (N, 2) the world point in the middle of the picture.
        half: (N,) world units from the middle to the edge.
        turn: (N,) radians that it has gone around the subject.
        zoom: (N,) how much larger everything looks than at the start.
        shift: (N,) how far it has gone sideways, in half pictures.
    """

    centre: Tensor
    half: Tensor
    turn: Tensor
    zoom: Tensor
    shift: Tensor


def camera_at(scene: Scene, seconds_N: Tensor) -> Camera:
    """The camera of each scene at a moment."""
    frames = [_FRAMES[kind] for kind in KINDS]
    focus = seconds_N.new_tensor([height for height, _ in frames])[scene.kind]
    table = seconds_N.new_tensor([shots for _, shots in frames])
    middle, half = table[scene.kind, scene.shot].unbind(-1)
    person = KINDS.index("person")
    paired = scene.company != COMPANY.index("alone")
    mixed = paired & ((scene.kind == person) != (scene.company == COMPANY.index("person")))
    middle = torch.where(mixed, _MIXED_MIDDLE, middle)
    half = torch.where(mixed, half.new_tensor(_MIXED_HALF)[scene.shot], half * (1 + 0.25 * paired))
    focus = torch.where(mixed, 0.6, focus)

    def moves(name: str) -> Tensor:
        return (scene.move == MOVES.index(name)).to(half.dtype)

    wide = 0.5 + 0.5 * (scene.shot == SHOTS.index("wide")).to(half.dtype)
    nearer = moves("zoom in") * seconds_N - moves("zoom out") * (seconds_N - 1.2)
    scale = torch.exp(-0.36 * wide * nearer)
    sideways = moves("pan") * scene.side * (0.13 * seconds_N - 0.12) * half / 0.4
    turn = moves("orbit") * scene.side * _ORBIT_RATE * seconds_N
    return Camera(
        centre=torch.stack((sideways, focus + (middle - focus) * scale), -1),
        half=half * scale,
        turn=turn,
        zoom=1 / scale,
        shift=sideways / half + 0.8 * turn,
    )
