"""Footage of the world that Pocket learns, kept as bytes."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from bases.pocket.ahead import made_ahead, together
from bases.pocket.shape import PocketShape
from bases.pocket.training import best_device
from bases.pocket.world import Look, Scene, film_with_masks, sample_looks, sample_scenes


class Footage(NamedTuple):
    """B clips.

    Attributes:
        video: (B, 3, frames, size, size) in 0 … 255.
        masks: where the subjects are, (B, 1, frames, size, size) in 0 … 255.
    """

    video: Tensor
    masks: Tensor

    def some(self, count: int, generator: Generator, device: torch.device) -> tuple[Tensor, Tensor]:
        """Some of the clips in [-1, 1], with their masks in [0, 1]."""
        chosen = torch.randint(len(self.video), (count,), generator=generator)
        video, masks = (part[chosen.to(part.device)].to(device) for part in self)
        video = video.float().div_(127.5).sub_(1)
        return video.contiguous(memory_format=torch.channels_last_3d), masks.float().div_(255)


def sample(seed: int, count: int, shape: PocketShape) -> tuple[Look, Scene]:
    """Individuals and scenes of the world that Pocket learns, which only this seed has."""
    generator = torch.Generator().manual_seed(seed)
    return sample_looks(count, generator), sample_scenes(count, generator, shape.world)


def draw(
    seed: int, count: int, shape: PocketShape, frames: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Clips (count, 3, frames, size, size) in [-1, 1], and where their subjects are.

    The latter is (count, 1, frames, size, size) in [0, 1].
    """
    look, scene = sample(seed, count, shape)
    video, masks = film_with_masks(
        look.to(device), scene.to(device), size=shape.size, frames=frames, fps=shape.fps
    )
    return video.contiguous(memory_format=torch.channels_last_3d), masks


def shoot(
    shape: PocketShape,
    clips: int,
    *,
    frames: int,
    makers: int,
    device: torch.device,
    seed: int = 0,
    at_once: int = 32,
) -> Footage:
    """Footage for a training, of this process alone.

    Args:
        shape: of the clips, and the world.
        clips: how many, at the least.
        frames: of a clip; 1 for stills.
        makers: other processes that draw; 0 for this one alone.
        device: where it is kept.
        seed: of the run.
        at_once: clips that are drawn together.
    """
    at_once = min(clips, at_once)
    make = partial(_footage, count=at_once, shape=shape, frames=frames)
    what = "stills" if frames == 1 else "clips"
    jobs = -(-clips // at_once)
    return Footage(*together(made_ahead(make, jobs, makers, seed=seed, what=what), device))


def _footage(seed: int, count: int, shape: PocketShape, frames: int) -> Footage:
    video, masks = draw(seed, count, shape, frames, best_device())
    return Footage(_bytes((video + 1) / 2), _bytes(masks))


def _bytes(values: Tensor) -> Tensor:
    """Values in [0, 1] as 0 … 255."""
    return values.mul(255).round_().to(torch.uint8).contiguous().cpu()
