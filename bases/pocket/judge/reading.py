"""What the judge's opinion means, in names, measures and places.

Shape suffixes: B clips, F frames, K spots, C = 16 cells a side.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.judge.traits import COLOURS, FORMS, SAME_COLOUR, trait
from bases.pocket.judge.watcher import CELLS
from bases.pocket.world import Look, Scene
from bases.pocket.world.scenes import KINDS, SHOTS, VIEWS

Traits = dict[str, Tensor]
"""What a judge says of traits in B clips of F frames, by "kind.name", (B, F, ...)."""


def face_is_seen(scene: Scene) -> Tensor:
    """Whether a face is near and turned to the camera enough to be read, (B,)."""
    near = scene.shot != SHOTS.index("wide")
    towards = (scene.view == VIEWS.index("front")) | (scene.view == VIEWS.index("three-quarter"))
    return near & towards


def expression_is_seen(scene: Scene) -> Tensor:
    """Whether there is a face that shows an expression and can be read, (B,); objects have none."""
    return face_is_seen(scene) & (scene.kind != KINDS.index("object"))


def read_forms(traits: Traits, look: Look, kind: str) -> dict[str, Tensor]:
    """By trait, whether its form was read right in each frame, (B, F)."""
    return {
        name: traits[f"{kind}.{name}"].argmax(-1) == trait(look, kind, name)[:, None]
        for name in FORMS[kind]
    }


def read_colours(traits: Traits, look: Look, kind: str) -> dict[str, Tensor]:
    """By trait, whether its colour was read as the same in each frame, (B, F)."""
    return {
        name: (traits[f"{kind}.{name}"].float() - trait(look, kind, name)[:, None]).abs().mean(-1)
        < SAME_COLOUR
        for name in COLOURS[kind]
    }


def middle_of(mask_BFCC: Tensor) -> Tensor:
    """The middle (B, F, 2) of what masks in [0, 1] cover, x and y in [-1, 1]."""
    steps = (torch.arange(CELLS, device=mask_BFCC.device) + 0.5) * (2 / CELLS) - 1
    mass = mask_BFCC.sum((2, 3)).clamp_min(1e-6)
    x = (mask_BFCC.sum(2) * steps).sum(-1) / mass
    y = (mask_BFCC.sum(3) * steps).sum(-1) / mass
    return torch.stack((x, y), -1)


def spots_at(logits_BFKCC: Tensor) -> Tensor:
    """Where each spot is, (B, F, K, 2), x and y in cells: the mean around the surest cell."""
    flat = logits_BFKCC.float().flatten(3)
    best = flat.argmax(-1)
    row, column = best // CELLS, best % CELLS
    steps = torch.arange(CELLS, device=flat.device)
    near = ((steps - row[..., None]).abs() <= 1)[..., :, None] & (
        (steps - column[..., None]).abs() <= 1
    )[..., None, :]
    weights = flat.masked_fill(~near.flatten(3), float("-inf")).softmax(-1)
    weights = weights.unflatten(3, (CELLS, CELLS))
    x = (weights.sum(3) * steps).sum(-1)
    y = (weights.sum(4) * steps).sum(-1)
    return torch.stack((x, y), -1)
