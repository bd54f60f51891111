"""True clips: what a base could at best have made of a scene."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from bases.pixels import as_frames
from bases.pocket.shape import PocketShape
from bases.pocket.world import Look, Scene, film
from bases.video import Frames


def true_clip(look: Look, scene: Scene, shape: PocketShape) -> Tensor:
    """An individual in a scene, drawn, (1, 3, F, H, W) in [-1, 1]."""
    return film(look, scene, size=shape.size, frames=shape.frames, fps=shape.fps)


@torch.no_grad()
def through_vae(clip: Tensor, vae: Any) -> Frames:
    """A clip (1, 3, F, H, W) in [-1, 1], as a base's VAE gives it back."""
    video = clip.to(vae.device, vae.dtype)
    latents = vae.encode(video).latent_dist.mode()
    decoded = vae.decode(latents).sample[0].float().cpu()
    return as_frames(decoded.movedim(1, 0))
