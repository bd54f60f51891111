"""What Pocket's transformer learns from: stills that are new each step, and a pool of clips."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from torch import Tensor
from tqdm import tqdm

from bases.pocket.crew import crew_seed
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


class Pool(NamedTuple):
    """Clips that are used again and again.

    Attributes:
        clips: encoded.
        seeds: that each was drawn with, (B,).
    """

    clips: Encoded
    seeds: Tensor

    def captions(
        self, chosen: Tensor, shape: PocketShape, rng: random.Random, dropout: float
    ) -> list[str]:
        """New captions of some of the clips."""
        seeds = self.seeds[chosen].tolist()
        return [_captions(seed, 1, shape, rng, dropout)[0] for seed in seeds]


@torch.no_grad()
def encode_pool(
    vae: AutoencoderKLWan,
    shape: PocketShape,
    count: int,
    path: Path,
    device: torch.device,
    seed: int = 0,
) -> Pool:
    """This process's clips, drawn and encoded once, then read."""
    if path.exists():
        latents, masks, seeds = torch.load(path, weights_only=True)
        return Pool(Encoded(latents, masks), seeds)
    seeds = torch.tensor([20_000_000 + crew_seed(index, seed) for index in range(count)])
    clips = [
        encode(vae, *draw_with_masks(drawn_with, 1, shape, shape.frames, device))
        for drawn_with in tqdm(seeds.tolist(), desc="clips")
    ]
    known = Encoded(*(torch.cat(parts).half().float().cpu() for parts in zip(*clips, strict=True)))
    torch.save([*known, seeds], path)
    return Pool(known, seeds)


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
    known: Pool,
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
    chosen = torch.randint(len(known.seeds), (clips,), generator=generator)
    return [
        (pictures, _captions(seed, stills, shape, rng, dropout)),
        (known.clips.at(chosen, device), known.captions(chosen, shape, rng, dropout)),
    ]
