"""Who is seen in which scenes, as Pocket's transformer and text encoder learn them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
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
    film_with_masks,
    sample_looks,
    sample_scenes,
)
from bases.pocket.world.scenes import EXPRESSIONS, KINDS
from bases.pocket.world.truth import face_truth


class Casting(NamedTuple):
    """Who is seen in which scenes.

    Attributes:
        look: individuals.
        scene: as many scenes.
    """

    look: Look
    scene: Scene

    def to(self, device: torch.device) -> Casting:
        """The same on another device."""
        return Casting(self.look.to(device), self.scene.to(device))


def casting(seed: int, count: int, shape: PocketShape) -> Casting:
    """Individuals and scenes that only this seed has."""
    generator = torch.Generator().manual_seed(seed)
    return Casting(sample_looks(count, generator), sample_scenes(count, generator, shape.world))


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
    first = casting(seed, count, replace(shape, world=_faces_of(shape.world)))
    steps = torch.tensor([rng.randrange(1, len(EXPRESSIONS)) for _ in range(count)])
    expression = (first.scene.expression + steps) % len(EXPRESSIONS)
    second = Casting(first.look, replace(first.scene, expression=expression))
    languages = [rng.choice(shape.languages) for _ in range(count)]

    def said(cast: Casting) -> list[str]:
        return [caption(cast.scene, row, language=known) for row, known in enumerate(languages)]

    return (first, second), (said(first), said(second))


def _faces_of(world: Repertoire) -> Repertoire:
    """Those scenes of a world in which a person's face is near and seen."""
    near = tuple(shot for shot in world.shot if shot != "wide")
    towards = tuple(view for view in world.view if view in ("front", "three-quarter"))
    return replace(world, kind=("person",), shot=near or world.shot, view=towards or world.view)


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
    cast: Casting, shape: PocketShape, rng: random.Random, names: Sequence[str] = ()
) -> list[str]:
    """New captions of what `draw_cast` draws, the first of them under the names that are given."""
    return [
        free_caption(cast.scene, row, rng, shape.languages, name)
        for row, name in zip_longest(range(len(cast.look)), names)
    ]
