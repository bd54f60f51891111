"""What Pocket's transformer learns from: stills and clips, encoded and captioned beforehand."""

from __future__ import annotations

import random
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import torch
from diffusers import AutoencoderKLWan
from torch import Generator, Tensor

from bases.pocket.ahead import made_ahead, together
from bases.pocket.casting import casting, draw_cast, new_captions
from bases.pocket.latents import Encoded, encode
from bases.pocket.parts import load_text, load_vae
from bases.pocket.shape import PocketShape
from bases.pocket.still_convolutions import speed_up
from bases.pocket.training import best_device
from bases.wan import WanText, embed_tokens, token_ids

WORDINGS = 6
"""Captions of each clip."""


class Pool(NamedTuple):
    """B clips, kept in little memory, each with several captions.

    Attributes:
        latents: normalised, (B, C, F, H, W) in float16.
        subjects: what of each cell shows the subject, (B, 1, F, H, W) in 0 … 255.
        faces: what of it shows the subject's face, likewise.
        tokens: of each caption, (B, V, L), padded.
    """

    latents: Tensor
    subjects: Tensor
    faces: Tensor
    tokens: Tensor

    def some(
        self, count: int, generator: Generator, device: torch.device
    ) -> tuple[Encoded, Tensor]:
        """Some of the clips, and the tokens (count, L) of one caption of each."""
        chosen = torch.randint(len(self.latents), (count,), generator=generator)
        wording = torch.randint(self.tokens.shape[1], (count,), generator=generator)
        home = self.tokens.device
        chosen, wording = chosen.to(home), wording.to(home)
        seen = unpacked(self.latents[chosen], self.subjects[chosen], self.faces[chosen])
        return Encoded(*(p.to(device) for p in seen)), self.tokens[chosen, wording].to(device)


def packed(seen: Encoded) -> tuple[Tensor, ...]:
    """Clips in little memory."""
    shares = (part.mul(255).round().to(torch.uint8) for part in (seen.subjects, seen.faces))
    return (seen.latents.half(), *shares)


def unpacked(latents: Tensor, subjects: Tensor, faces: Tensor) -> Encoded:
    """What `packed` was given."""
    return Encoded(latents.float(), subjects.float() / 255, faces.float() / 255)


def fill(
    shape: PocketShape,
    vae: Path,
    text: Path,
    clips: int,
    *,
    frames: int,
    makers: int,
    device: torch.device,
    seed: int = 0,
    at_once: int = 32,
) -> Pool:
    """A pool for a training, of this process alone.

    Args:
        shape: of the clips, and the world.
        vae: the folder of the VAE that encodes them.
        text: the folder whose tokenizer reads the captions.
        clips: how many, at the least.
        frames: of a clip; 1 for stills.
        makers: other processes that make it; 0 for this one alone.
        device: where it is kept.
        seed: of the run.
        at_once: clips that are drawn together.
    """
    at_once = min(clips, at_once)
    make = partial(_examples, count=at_once, shape=shape, vae=vae, text=text, frames=frames)
    what, jobs = "stills" if frames == 1 else "clips", -(-clips // at_once)
    return Pool(*together(made_ahead(make, jobs, makers, seed=seed, what=what), device))


def _examples(
    seed: int, count: int, shape: PocketShape, vae: Path, text: Path, frames: int
) -> tuple[Tensor, ...]:
    codec, words = tools(vae, text)
    cast = casting((0 if frames == 1 else 20_000_000) + seed, count, shape)
    seen = encode(codec, *draw_cast(cast, shape, frames, codec.device))
    rng = random.Random(seed)
    wordings = [new_captions(cast, shape, rng, 0.0) for _ in range(WORDINGS)]
    tokens = torch.stack([token_ids(words, prompts) for prompts in wordings], 1)
    return (*(part.cpu() for part in packed(seen)), tokens.short())


class Lessons:
    """Stills and clips, each with its prompt, of which some are empty.

    Args:
        shape: of the clips, and the world.
        vae: the folder of the VAE that encodes them.
        text: the folder of the text encoder that reads the prompts.
        clips: in the pool; of stills there are four times as many.
        makers: other processes that make them; 0 for this one alone.
        device: where they are kept.
        seed: of the run.
    """

    def __init__(
        self,
        shape: PocketShape,
        vae: Path,
        text: Path,
        clips: int,
        *,
        makers: int,
        device: torch.device,
        seed: int,
    ) -> None:
        filled = partial(fill, shape, vae, text, makers=makers, device=device, seed=seed)
        self.stills = filled(4 * clips, frames=1, at_once=128)
        self.clips = filled(clips, frames=shape.frames)
        self.text, self.device = load_text(text, device), device
        self.nothing = token_ids(self.text, [""]).to(device)

    def some(
        self, stills: int, clips: int, dropout: float, generator: Generator
    ) -> list[tuple[Encoded, Tensor]]:
        """Some stills and some clips, with their embedded prompts (B, L, D)."""
        lessons = []
        for pool, count in ((self.stills, stills), (self.clips, clips)):
            seen, tokens = pool.some(count, generator, self.device)
            left_out = torch.rand(count, 1, generator=generator).to(self.device) < dropout
            tokens = torch.where(left_out, self.nothing, tokens)
            lessons.append((seen, embed_tokens(self.text, tokens)))
        return lessons


@cache
def tools(vae: Path, text: Path) -> tuple[AutoencoderKLWan, WanText]:
    """What a process encodes and reads with, loaded once."""
    codec = load_vae(vae).to(best_device()).eval()
    speed_up(codec)
    return codec, load_text(text, torch.device("cpu"))
