"""Who is seen in which scenes, as Pocket's transformer and text encoder learn them."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from bases.pocket.shape import PocketShape
from bases.pocket.tokenizer import free_caption
from bases.pocket.world import (
    Look,
    Repertoire,
    Scene,
    caption,
    celebrities,
    film_with_masks,
    sample_looks,
    sample_scenes,
)
from bases.pocket.world.scenes import EXPRESSIONS, KINDS
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
    look, scene = _sampled(seed, count, shape.world)
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


def expression_pairs(
    seed: int, count: int, shape: PocketShape, rng: random.Random
) -> tuple[tuple[Casting, Casting], tuple[list[str], list[str]]]:
    """People whose faces are near, the same with other expressions, and captions of both.

    Args:
        seed: of the individuals and their scenes.
        count: how many pairs.
        shape: of the world that they are drawn from, which has people.
        rng: draws the other expressions, and the languages of the captions.
    """
    look, scene = _sampled(seed, count, _faces_of(shape.world))
    steps = torch.tensor([rng.randrange(1, len(EXPRESSIONS)) for _ in range(count)])
    other = replace(scene, expression=(scene.expression + steps) % len(EXPRESSIONS))
    languages = [rng.choice(shape.languages) for _ in range(count)]

    def said(scenes: Scene) -> list[str]:
        return [caption(scenes, row, language=known) for row, known in enumerate(languages)]

    nobody: list[str | None] = [None] * count
    casts = Casting(look, scene, nobody), Casting(look, other, nobody)
    return casts, (said(scene), said(other))


def _faces_of(world: Repertoire) -> Repertoire:
    """Those scenes of a world in which a person's face is near and seen."""
    near = tuple(shot for shot in world.shot if shot != "wide")
    towards = tuple(view for view in world.view if view in ("front", "three-quarter"))
    return replace(world, kind=("person",), shot=near or world.shot, view=towards or world.view)


def _sampled(seed: int, count: int, world: Repertoire) -> tuple[Look, Scene]:
    generator = torch.Generator().manual_seed(seed)
    return sample_looks(count, generator), sample_scenes(count, generator, world)


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


def new_captions(cast: Casting, shape: PocketShape, rng: random.Random) -> list[str]:
    """New captions of what `draw_cast` draws; where some names count, all that are said do."""
    worded = partial(free_caption, invent=0.0 if shape.celebrities else 0.3)
    return [
        worded(cast.scene, row, rng, shape.languages, name) for row, name in enumerate(cast.names)
    ]
