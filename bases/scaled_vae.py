"""Encoding with a VAE whose latents are brought to unit spread by one number."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


@torch.no_grad()
def encode_scaled(vae: Any, video_BCFHW: Tensor) -> Tensor:
    """Latents times the VAE's own scale; its attention takes one clip at a time."""
    clips = video_BCFHW.to(vae.device, vae.dtype).split(1)
    latents = torch.cat([vae.encode(clip).latent_dist.mode() for clip in clips])
    return latents * vae.config.scaling_factor
