"""Who is seen in which scenes, as Pocket's transformer and text encoder learn them."""

from __future__ import annotations

import random
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from bases.pocket.footage import sample
from bases.pocket.shape import PocketShape
from bases.pocket.tokenizer import free_caption
from bases.pocket.world import Look, Scene, celebrities, film_with_masks
from bases.pocket.world.scenes import KINDS
from bases.pocket.world.truth import face_truth

_FAME = 0.5
"""How often it is somebody with a name, where there are such."""


class Casting(NamedTuple):
    """Who is seen in which scenes.

    Attributes:
        look: individuals.
        scene: as many scenes.
        names: of those that a base is to know by name.
    """

    look: Look
    scene: Scene
    names: list[str | None]

    def to(self, device: torch.device) -> Casting:
        """The same on another device."""
        return Casting(self.look.to(device), self.scene.to(device), self.names)


def casting(seed: int, count: int, shape: PocketShape) -> Casting:
    """Individuals and scenes that only this seed has, but for the celebrities among them."""
    look, scene = sample(seed, count, shape)
    names: list[str | None] = [None] * count
    known, looks = celebrities(shape.celebrities)
    rng = random.Random(seed)
    famous = [row for row in range(count) if known and rng.random() < _FAME]
    if famous:
        chosen = [rng.randrange(len(known)) for _ in famous]
        look = look.with_rows(torch.tensor(famous), looks[chosen])
        for row, star in zip(famous, chosen, strict=True):
            names[row] = known[star]
    return Casting(look, scene, names)


def draw_cast(
    cast: Casting, shape: PocketShape, frames: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Clips (B, 3, frames, size, size) in [-1, 1], and where their subjects and faces are.

    The latter two are (B, 1, frames, size, size) in [0, 1].
    """
    look, scene = cast.look.to(device), cast.scene.to(device)
    video, subjects = film_with_masks(look, scene, size=shape.size, frames=frames, fps=shape.fps)
    faces = torch.zeros_like(subjects)
    people = (scene.kind == KINDS.index("person")).nonzero()[:, 0]
    if len(people):
        truth = face_truth(
            look[people], scene[people], size=shape.size, frames=frames, fps=shape.fps
        )
        faces[people] = _inside(truth.box, shape.size)[:, None]
    return video.contiguous(memory_format=torch.channels_last_3d), subjects, faces


def _inside(box: Tensor, size: int) -> Tensor:
    """Which pixels (..., size, size) lie within boxes (..., 4), as 0 and 1."""
    steps = torch.arange(size, device=box.device)
    left, top, right, bottom = box[..., None].unbind(-2)
    across, down = (left <= steps) & (steps <= right), (top <= steps) & (steps <= bottom)
    return (down[..., :, None] & across[..., None, :]).to(box.dtype)


def new_captions(
    cast: Casting, shape: PocketShape, rng: random.Random, dropout: float
) -> list[str]:
    """New captions of what `draw_cast` draws; where some names count, all that are said do."""
    worded = partial(free_caption, invent=0.0 if shape.celebrities else 0.3)
    return [
        "" if rng.random() < dropout else worded(cast.scene, row, rng, shape.languages, name)
        for row, name in enumerate(cast.names)
    ]
