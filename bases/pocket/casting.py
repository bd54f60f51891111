"""Who is seen in which scenes, as Pocket's transformer and text encoder learn them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Literal, NamedTuple

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
from bases.pocket.world.captions import draw_outline
from bases.pocket.world.scenes import CHOICES, KINDS
from bases.pocket.world.truth import face_truth

Choice = Literal["expression", "view", "action"]
"""What the two of a pair differ in."""


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


def pairs(
    choice: Choice, seed: int, count: int, shape: PocketShape, rng: random.Random
) -> tuple[Casting, Casting]:
    """People, and the same in scenes of which one choice is another.

    Args:
        choice: in which the two of a pair differ.
        seed: of the individuals and their scenes.
        count: how many pairs.
        shape: of the world that they are drawn from, which has people and two names of the choice.
        rng: draws what the choice is in the second scenes.
    """
    first = casting(seed, count, replace(shape, world=_seen_in(choice, shape.world)))
    known = [CHOICES[choice].index(name) for name in names_of(choice, shape.world)]
    chosen = getattr(first.scene, choice).tolist()
    others = torch.tensor([rng.choice([k for k in known if k != now]) for now in chosen])
    return first, Casting(first.look, first.scene.with_choice(choice, others))


def pair_captions(
    choice: Choice, casts: Iterable[Casting], shape: PocketShape, rng: random.Random
) -> list[list[str]]:
    """Captions of each, in which the two of a pair differ in that choice alone.

    They are worded as freely as others. Of pairs only the change is learnt, and captions that no
    clip comes with, such as those that name everything plainly, would be drawn worse and worse.

    Args:
        choice: in which the two of a pair differ.
        casts: of `pairs`.
        shape: whose languages they are in.
        rng: draws the wordings.
    """
    first, *others = casts
    wordings = [
        (rng.choice(shape.languages), draw_outline(rng, choice), rng.random())
        for _ in range(len(first.look))
    ]

    def said(cast: Casting) -> list[str]:
        return [
            caption(cast.scene, row, language=told, outline=outline, rng=random.Random(seed))
            for row, (told, outline, seed) in enumerate(wordings)
        ]

    return [said(cast) for cast in (first, *others)]


def names_of(choice: Choice, world: Repertoire) -> tuple[str, ...]:
    """What a choice may be in scenes of a person; nothing in a world without people."""
    if "person" not in world.kind:
        return ()
    names: tuple[str, ...] = getattr(world, choice)
    return world.actions_of("person") if choice == "action" else names


def _seen_in(choice: Choice, world: Repertoire) -> Repertoire:
    """Those scenes of a world in which it is well seen of a person."""
    people = replace(world, kind=("person",))
    if choice == "action":
        return people
    near = replace(people, shot=tuple(shot for shot in world.shot if shot != "wide") or world.shot)
    if choice == "view":
        return near
    towards = tuple(view for view in world.view if view in ("front", "three-quarter"))
    return replace(near, view=towards or world.view)


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


def plain_captions(cast: Casting, shape: PocketShape, rng: random.Random) -> list[str]:
    """What `draw_cast` draws, all of it said plainly, in one of the languages each."""
    languages = [rng.choice(shape.languages) for _ in range(len(cast.look))]
    return [caption(cast.scene, row, language=told) for row, told in enumerate(languages)]


def new_captions(
    cast: Casting, shape: PocketShape, rng: random.Random, names: Sequence[str] = ()
) -> list[str]:
    """New captions of what `draw_cast` draws, English most, the first under the names given."""
    return [
        free_caption(cast.scene, row, rng, [*shape.languages, "en"], name)
        for row, name in zip_longest(range(len(cast.look)), names)
    ]
