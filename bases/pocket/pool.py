"""Pools of drawings on the device that learns from them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from diffusers import AutoencoderKLWan
from jsonargparse.typing import NonNegativeInt, PositiveInt
from torch import Generator, Tensor
from tqdm import tqdm

from bases.errors import BaseModelError
from bases.pocket.crew import crew_rank
from bases.pocket.latents import Encoded, encode, load_codec, packed, unpacked
from bases.pocket.parts import load_text
from bases.pocket.shape import PocketShape
from bases.pocket.stream import COARSE, PAIRS, Drawn, Kind, Stream
from bases.pocket.training import best_device
from bases.wan import WanText, token_ids

_ROOM: dict[Kind, int] = {
    "stills": 16,
    "clips": 1,
    "expressions": 6,
    "expression clips": 1,
    "views": 3,
    "actions": 1,
}
"""Examples that there is room for, by that of clips."""


class Shelf:
    """Examples of one kind, more and more until there is no room; then new ones replace old ones.

    Args:
        room: for how many.
        device: where they are kept.
    """

    def __init__(self, room: int, device: torch.device) -> None:
        self.room, self.device, self.added = room, device, 0
        self.held = torch.zeros((), dtype=torch.float64, device=device)
        self.parts: list[Tensor] = []

    def __len__(self) -> int:
        return min(self.added, self.room)

    def add(self, examples: tuple[Tensor, ...]) -> None:
        """Add some."""
        examples = tuple(part[-self.room :] for part in examples)
        if not self.parts:
            self.parts = [
                torch.empty(self.room, *part.shape[1:], dtype=part.dtype, device=self.device)
                for part in examples
            ]
        count = len(examples[0])
        places = torch.arange(self.added, self.added + count, device=self.device) % self.room
        for kept, part in zip(self.parts, examples, strict=True):
            kept[places] = part.to(self.device)
        self.added += count
        self.held.fill_(len(self))

    def some(self, count: int, generator: Generator) -> list[Tensor]:
        """So many of them, drawn at random by a generator on their device.

        How many there are is read there too, where a replayed step finds it; see `replay`.
        """
        share = torch.rand(count, generator=generator, dtype=self.held.dtype, device=self.device)
        chosen = (share * self.held).long()
        return [part[chosen] for part in self.parts]


class Pool:
    """Shelves of what a stream has drawn.

    Args:
        stream: draws.
        clips: that there must be before a training begins; of all else as many as come meanwhile.
        device: where they are kept.
        room: for clips, where makers go on drawing; for those alone if None.

    Raises:
        BaseModelError: if there is no clip, or no room for them.
    """

    def __init__(
        self, stream: Stream, clips: int, device: torch.device, room: int | None = None
    ) -> None:
        self.stream, self.clips, self.device = stream, clips, device
        room = room or clips
        if not 1 <= clips <= room:
            raise BaseModelError(
                f"{clips} clips and room for {room}: give at least one clip, and room for all."
            )
        self.shelves = {kind: Shelf(_ROOM[kind] * room, device) for kind in stream.kinds}

    def put(self, drawn: Drawn) -> None:
        """Take one batch in."""
        self.shelves[drawn.kind].add(drawn.parts)

    def grow(self, step: int) -> None:
        """Take in two new batches at most, where this step of a training is one to do so."""
        if self.stream.every and step % self.stream.every == 0:
            self._take(2)

    def _take(self, most: int) -> None:
        for drawn in self.stream.ready(most):
            self.put(drawn)

    def fill(self) -> None:
        """Wait until there are the clips that there must be, and some of everything else."""
        shelf = self.shelves["clips"]
        with tqdm(total=self.clips, desc="clips drawn", disable=crew_rank() > 0) as bar:
            while len(shelf) < self.clips or not all(map(len, self.shelves.values())):
                self._take(8)
                bar.update(len(shelf) - bar.n)
                time.sleep(0.01)

    def sizes(self) -> dict[str, float]:
        """How many there are of each kind, by the names of a curve."""
        return {f"known {kind}": float(len(shelf)) for kind, shelf in self.shelves.items()}


class RawPool(Pool):
    """Drawings as they are, for the VAE."""

    def some(self, kind: Kind, count: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Clips (B, 3, F, H, W) in [-1, 1], and their subjects' masks (B, 1, F, H, W) in [0, 1]."""
        video, subjects, *_ = self.shelves[kind].some(count, generator)
        mask = subjects.float().div_(255)
        return pixels(video), mask.repeat_interleave(COARSE, -1).repeat_interleave(COARSE, -2)


class Pairs(NamedTuple):
    """B pairs that differ in one choice.

    Attributes:
        first: of each pair.
        second: latents of the same individual in the same scene but for that (B, C, F, H, W).
        tokens: of captions (2 × B, L), of the first ones, then of the second ones.
    """

    first: Encoded
    second: Tensor
    tokens: Tensor


class LatentPool(Pool):
    """Drawings and captions as a transformer sees them.

    Args:
        stream: draws and puts into words.
        clips: see `Pool`.
        codec: encodes the drawings.
        text: whose tokenizer reads the captions.
        room: see `Pool`.
    """

    def __init__(
        self,
        stream: Stream,
        clips: int,
        codec: AutoencoderKLWan,
        text: WanText,
        room: int | None = None,
    ) -> None:
        super().__init__(stream, clips, codec.device, room)
        self.codec, self.text = codec, text
        self.nothing = token_ids(text.tokenizer, [""]).to(codec.device).short()

    def put(self, drawn: Drawn) -> None:
        """Encode one batch and take it in."""
        video, subjects, faces, *more = (part.to(self.device) for part in drawn.parts)
        masks = (subjects.float() / 255, faces.float() / 255)
        seen = packed(encode(self.codec, pixels(video), *masks))
        if drawn.kind in PAIRS:
            more[0] = encode(self.codec, pixels(more[0]), *masks).latents.half()
        self.shelves[drawn.kind].add((*seen, *more))

    def some(
        self, kind: Kind, count: int, dropout: float, generator: Generator
    ) -> tuple[Encoded, Tensor]:
        """Some of a kind, and the tokens (B, L) of one caption of each, of which some are empty."""
        *seen, tokens = self.shelves[kind].some(count, generator)
        device = self.device
        wording = torch.randint(tokens.shape[1], (count,), generator=generator, device=device)
        left_out = torch.rand(count, 1, generator=generator, device=device) < dropout
        said = tokens[torch.arange(count, device=device), wording]
        return unpacked(*seen), torch.where(left_out, self.nothing, said)

    def some_pairs(self, kind: Kind, count: int, generator: Generator) -> Pairs:
        """Some pairs of a kind."""
        *first, second, tokens = self.shelves[kind].some(count, generator)
        return Pairs(unpacked(*first), second.float(), tokens.transpose(0, 1).flatten(0, 1))


@dataclass(frozen=True)
class Supply:
    """How much there is to learn from, and who draws it.

    Attributes:
        clips: that each process draws and encodes beforehand; of stills there are sixteen times as
            many, of pairs of stills that differ in the expression five times, in the view two and
            a half, of pairs of clips about as many that differ in the expression, and half as many
            in the action.
        room: for clips, where makers go on drawing; as many as `clips` if None.
        makers: other processes that draw; 0 for this one alone.
        seed: from 0 to 4; a run with another one sees other examples.
    """

    clips: PositiveInt = 1200
    room: PositiveInt | None = None
    makers: NonNegativeInt = 0
    seed: NonNegativeInt = 0


PLENTY = Supply()


def open_pool(
    shape: PocketShape, vae: Path, text: Path, supply: Supply, pairs: Sequence[Kind]
) -> LatentPool:
    """An empty pool, on this process's GPU if it has one.

    Args:
        shape: of the clips, and the world.
        vae: the folder of the VAE that encodes them.
        text: the folder of the text encoder that reads the captions.
        supply: how much, and who draws.
        pairs: see `Stream`.
    """
    device = best_device()
    codec, words = load_codec(vae, device), load_text(text, device)
    stream = Stream(
        shape, words, device=device, makers=supply.makers, seed=supply.seed, pairs=pairs
    )
    return LatentPool(stream, supply.clips, codec, words, supply.room)


def pixels(video: Tensor) -> Tensor:
    """Clips (B, 3, F, H, W) in [-1, 1] from bytes."""
    values = video.float().div_(127.5).sub_(1)
    return values.contiguous(memory_format=torch.channels_last_3d)
