"""Clips as Pocket's transformer sees them: latents, and what of each cell is subject and face."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from torch import Tensor

from bases.pocket.parts import load_vae
from bases.pocket.still_convolutions import speed_up
from bases.pocket.training import autocast
from bases.wan import latent_statistics


class Encoded(NamedTuple):
    """Clips as a transformer sees them.

    Attributes:
        latents: normalised, (B, C, F, H, W).
        subjects: the share of each latent cell that shows the subject, (B, 1, F, H, W) in [0, 1].
        faces: the share that lies within the subject's face, of the same shape.
    """

    latents: Tensor
    subjects: Tensor
    faces: Tensor

    def weights(self, subject: float, face: float) -> Tensor:
        """What an error counts, where the subject counts so much more, and its face again."""
        return 1 + subject * self.subjects + face * self.faces


def load_codec(folder: Path, device: torch.device) -> AutoencoderKLWan:
    """A trained VAE, quick and at rest.

    Raises:
        BrokenBase: if it is not there, or not whole.
    """
    codec = load_vae(folder).to(device).eval().requires_grad_(False)
    speed_up(codec)
    return codec


@torch.no_grad()
def encode(vae: AutoencoderKLWan, video: Tensor, subjects: Tensor, faces: Tensor) -> Encoded:
    """Encode clips in [-1, 1], with where subjects and faces are, (B, 1, frames, height, width)."""
    mean, std = latent_statistics(vae)
    with autocast(vae.device):
        latents = vae.encode(video).latent_dist.mode()
    return Encoded(
        (latents.float() - mean) / std, *(_by_cell(m, latents.shape) for m in (subjects, faces))
    )


def packed(seen: Encoded) -> tuple[Tensor, ...]:
    """Clips in little memory: latents in float16, shares in bytes."""
    shares = (part.mul(255).round().to(torch.uint8) for part in (seen.subjects, seen.faces))
    return (seen.latents.half(), *shares)


def unpacked(latents: Tensor, subjects: Tensor, faces: Tensor) -> Encoded:
    """What `packed` was given."""
    return Encoded(latents.float(), subjects.float() / 255, faces.float() / 255)


def _by_cell(masks: Tensor, cells: torch.Size) -> Tensor:
    """The share of each latent cell; the first frame has latents of its own."""
    frames, height, width = cells[2:]
    shares = [F.adaptive_avg_pool3d(masks[:, :, :1], (1, height, width))]
    if frames > 1:
        shares.append(F.adaptive_avg_pool3d(masks[:, :, 1:], (frames - 1, height, width)))
    return torch.cat(shares, dim=2)
