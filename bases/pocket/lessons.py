"""What Pocket's transformer learns from: stills that are new each step, and a pool of clips."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from torch import Tensor
from tqdm import trange

from bases.pocket.crew import crew_rank, crew_size
from bases.pocket.shape import PocketShape
from bases.pocket.tokenizer import free_caption
from bases.pocket.train_vae import draw_with_masks, sample
from bases.pocket.training import autocast
from bases.wan import latent_statistics


class Encoded(NamedTuple):
    """Clips as a transformer sees them.

    Attributes:
        latents: normalised, (B, C, F, H, W).
        masks: the share of each latent cell that shows the subject, (B, 1, F, H, W) in [0, 1].
    """

    latents: Tensor
    masks: Tensor

    def at(self, chosen: Tensor, device: torch.device) -> Encoded:
        """Some of the clips."""
        return Encoded(*(tensor[chosen].to(device) for tensor in self))


@torch.no_grad()
def encode(vae: AutoencoderKLWan, video: Tensor, masks: Tensor) -> Encoded:
    """Encode clips in [-1, 1] and where their subjects are, (B, 1, frames, height, width)."""
    mean, std = latent_statistics(vae)
    with autocast(vae.device):
        latents = vae.encode(video).latent_dist.mode()
    first, rest = masks[:, :, :1], masks[:, :, 1:]
    size = latents.shape[3:]
    shares = [F.adaptive_avg_pool3d(first, (1, *size))]
    if rest.shape[2]:
        shares.append(F.adaptive_avg_pool3d(rest, (latents.shape[2] - 1, *size)))
    return Encoded((latents.float() - mean) / std, torch.cat(shares, dim=2))


@torch.no_grad()
def encode_pool(
    vae: AutoencoderKLWan, shape: PocketShape, count: int, path: Path, device: torch.device
) -> Encoded:
    """This process's clips, drawn and encoded once, then read."""
    if path.exists():
        return Encoded(*torch.load(path, weights_only=True))
    clips = [
        encode(vae, *draw_with_masks(_pool_seed(index), 1, shape, shape.frames, device))
        for index in trange(count, desc="clips")
    ]
    known = Encoded(*(torch.cat(parts).half().float().cpu() for parts in zip(*clips, strict=True)))
    torch.save(list(known), path)
    return known


def _pool_seed(index: int) -> int:
    return 20_000_000 + index * crew_size() + crew_rank()


def _pool_captions(
    chosen: Tensor, shape: PocketShape, rng: random.Random, dropout: float
) -> list[str]:
    return [_captions(_pool_seed(i), 1, shape, rng, dropout)[0] for i in chosen.tolist()]


def _captions(
    seed: int, count: int, shape: PocketShape, rng: random.Random, dropout: float
) -> list[str]:
    """Captions of what `draw` draws with the same seed and count."""
    _, scenes = sample(seed, count, shape)
    return [
        "" if rng.random() < dropout else free_caption(scenes, index, rng, shape.languages)
        for index in range(count)
    ]


def lessons(
    seed: int,
    codec: AutoencoderKLWan,
    known: Encoded,
    shape: PocketShape,
    *,
    stills: int,
    clips: int,
    dropout: float,
) -> list[tuple[Encoded, list[str]]]:
    """New stills and some of the known clips, each with its captions, of which some are empty."""
    rng, generator = random.Random(seed), torch.Generator().manual_seed(seed)
    device = codec.device
    pictures = encode(codec, *draw_with_masks(seed, stills, shape, 1, device))
    chosen = torch.randint(len(known.latents), (clips,), generator=generator)
    return [
        (pictures, _captions(seed, stills, shape, rng, dropout)),
        (known.at(chosen, device), _pool_captions(chosen, shape, rng, dropout)),
    ]
