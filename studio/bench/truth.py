"""True clips: what a base could at best have made of a scene."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

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
    return as_frames(vae.decode(latents).sample[0].float().cpu())


def as_frames(clip: Tensor) -> Frames:
    """A clip (3, F, H, W) in [-1, 1] as frames (F, H, W, 3) in [0, 255]."""
    scaled = ((clip + 1) * 127.5).round().clamp(0, 255).byte()
    return np.ascontiguousarray(scaled.permute(1, 2, 3, 0).numpy())
