"""What Pocket's transformer learns from: stills that are new each step, and a pool of clips."""

from __future__ import annotations

import random
from functools import partial
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
from bases.pocket.train_vae import sample
from bases.pocket.training import autocast
from bases.pocket.world import Look, Scene, celebrities, film_with_masks
from bases.pocket.world.scenes import KINDS
from bases.pocket.world.truth import face_truth
from bases.wan import latent_statistics

_FAME = 0.5
"""How often it is somebody with a name, where there are such."""


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

    def at(self, chosen: Tensor, device: torch.device) -> Encoded:
        """Some of the clips."""
        return Encoded(*(tensor[chosen].to(device) for tensor in self))

    def weights(self, subject: float, face: float) -> Tensor:
        """What an error counts, where the subject counts so much more, and its face again."""
        return 1 + subject * self.subjects + face * self.faces


class Casting(NamedTuple):
    """Who is seen in which scenes.

    Attributes:
        look: individuals.
        scene: as many scenes.
        names: of those that a base is to know by name.
    """

    look: Look
    scene: Scene
    names: list[str | None]

    def to(self, device: torch.device) -> Casting:
        """The same on another device."""
        return Casting(self.look.to(device), self.scene.to(device), self.names)


def casting(seed: int, count: int, shape: PocketShape) -> Casting:
    """Individuals and scenes that only this seed has, but for the celebrities among them."""
    look, scene = sample(seed, count, shape)
    names: list[str | None] = [None] * count
    known, looks = celebrities(shape.celebrities)
    rng = random.Random(seed)
    famous = [row for row in range(count) if known and rng.random() < _FAME]
    if famous:
        chosen = [rng.randrange(len(known)) for _ in famous]
        look = look.with_rows(torch.tensor(famous), looks[chosen])
        for row, star in zip(famous, chosen, strict=True):
            names[row] = known[star]
    return Casting(look, scene, names)


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


@torch.no_grad()
def encode(vae: AutoencoderKLWan, video: Tensor, subjects: Tensor, faces: Tensor) -> Encoded:
    """Encode clips in [-1, 1], with where subjects and faces are, (B, 1, frames, height, width)."""
    mean, std = latent_statistics(vae)
    with autocast(vae.device):
        latents = vae.encode(video).latent_dist.mode()
    return Encoded(
        (latents.float() - mean) / std, *(_by_cell(m, latents.shape) for m in (subjects, faces))
    )


def _by_cell(masks: Tensor, cells: torch.Size) -> Tensor:
    """The share of each latent cell; the first frame has latents of its own."""
    frames, height, width = cells[2:]
    shares = [F.adaptive_avg_pool3d(masks[:, :, :1], (1, height, width))]
    if frames > 1:
        shares.append(F.adaptive_avg_pool3d(masks[:, :, 1:], (frames - 1, height, width)))
    return torch.cat(shares, dim=2)


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
        return [new_captions(casting(seed, 1, shape), shape, rng, dropout)[0] for seed in seeds]


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
        *clips, seeds = torch.load(path, weights_only=True)
        return Pool(Encoded(*clips), seeds)
    seeds = torch.tensor([20_000_000 + crew_seed(index, seed) for index in range(count)])
    drawn = [
        encode(vae, *draw_cast(casting(drawn_with, 1, shape), shape, shape.frames, device))
        for drawn_with in tqdm(seeds.tolist(), desc="clips")
    ]
    known = Encoded(*(torch.cat(parts).half().float().cpu() for parts in zip(*drawn, strict=True)))
    torch.save([*known, seeds], path)
    return Pool(known, seeds)


def new_captions(
    cast: Casting, shape: PocketShape, rng: random.Random, dropout: float
) -> list[str]:
    """New captions of what `draw_cast` draws; where some names count, all that are said do."""
    worded = partial(free_caption, invent=0.0 if shape.celebrities else 0.3)
    return [
        "" if rng.random() < dropout else worded(cast.scene, row, rng, shape.languages, name)
        for row, name in enumerate(cast.names)
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
    cast = casting(seed, stills, shape)
    pictures = encode(codec, *draw_cast(cast, shape, 1, device))
    chosen = torch.randint(len(known.seeds), (clips,), generator=generator)
    return [
        (pictures, new_captions(cast, shape, rng, dropout)),
        (known.clips.at(chosen, device), known.captions(chosen, shape, rng, dropout)),
    ]
