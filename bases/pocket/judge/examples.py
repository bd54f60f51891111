"""Clips to train the judge on, and what is true of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bases.pocket.face_pictures import degrade
from bases.pocket.judge.watcher import CELLS
from bases.pocket.shape import PocketShape
from bases.pocket.training import CPU
from bases.pocket.world import Look, Scene, sample_looks, sample_scenes
from bases.pocket.world.looks import look_alikes
from bases.pocket.world.truth import ClipTruth, film_with_truth

EVERY = 2
"""Of a clip the judge looks at every second frame."""


@dataclass(frozen=True)
class Examples:
    """B clips and what is true of them.

    Attributes:
        clips: (B, 3, F, S, S) in [-1, 1].
        look: who leads.
        scene: what is shown.
        truth: where in the picture.
    """

    clips: Tensor
    look: Look
    scene: Scene
    truth: ClipTruth

    def to(self, device: torch.device) -> Examples:
        """The same on another device."""
        clips, look, scene, truth = self.clips, self.look, self.scene, self.truth
        return Examples(clips.to(device), look.to(device), scene.to(device), truth.to(device))


def examples(
    individuals: int,
    shape: PocketShape,
    generator: Generator,
    *,
    alike: tuple[float, ...] = (),
    frames: int | None = None,
    device: torch.device = CPU,
    **named: str,
) -> Examples:
    """Two degraded clips of each individual, each in a scene of its own.

    The first half of the clips shows each once, the second half each again.

    Args:
        individuals: how many.
        shape: of the clips and the world.
        generator: a CPU generator.
        alike: what share of its traits each look-alike of an individual has in common with it;
            `individuals` is a multiple of the family that they are together. Strangers if empty.
        frames: of a clip, such as 1 for stills; as many as `true_clips` shows if None.
        device: where they are drawn.
        named: choices that are the same in all the scenes, `kind` among them.
    """
    some = everyone = sample_looks(individuals // (1 + len(alike)), generator)
    for keep in alike:
        everyone = everyone.and_rows(look_alikes(some, generator, keep=keep))
    twice = everyone.and_rows(everyone)
    drawn = true_clips(twice, shape, generator, frames=frames, device=device, **named)
    count, _, frames = drawn.clips.shape[:3]
    pictures = degrade(drawn.clips.transpose(1, 2).flatten(0, 1), generator)
    return replace(drawn, clips=pictures.unflatten(0, (count, frames)).transpose(1, 2))


def packed(shown: Examples) -> Examples:
    """The same in little memory: bytes for numbers, cells for pixels."""
    masks = F.adaptive_avg_pool2d(shown.truth.masks.flatten(0, 1), CELLS)
    masks = masks.unflatten(0, shown.truth.masks.shape[:2])
    clips = shown.clips.add(1).mul(127.5).round().to(torch.uint8)
    return replace(shown, clips=clips, truth=replace(shown.truth, masks=masks))


def unpacked(shown: Examples, device: torch.device) -> Examples:
    """What `packed` was given, with masks by cells."""
    there = shown.to(device)
    return replace(there, clips=there.clips.float().div(127.5).sub(1))


def true_clips(
    look: Look,
    shape: PocketShape,
    generator: Generator,
    *,
    frames: int | None = None,
    device: torch.device = CPU,
    **named: str,
) -> Examples:
    """One clip of each individual, as it is drawn, of which the judge sees every second frame.

    Args:
        look: B individuals.
        shape: of the clips and the world.
        generator: a CPU generator.
        frames: of a clip; half of the shape's if None.
        device: where they are drawn.
        named: choices, such as `kind="person"`, that are the same in all the scenes.
    """
    look = look.to(device)
    scene = sample_scenes(len(look), generator, shape.world, **named).to(device)
    frames, fps = frames or (shape.frames + 1) // EVERY, shape.fps / EVERY
    clips, truth = film_with_truth(look, scene, size=shape.size, frames=frames, fps=fps)
    return Examples(clips, look, scene, truth)
