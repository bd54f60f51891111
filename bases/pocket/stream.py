"""A stream of examples that other processes draw on CPU cores while a GPU learns from them."""

from __future__ import annotations

import queue
import random
from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, multiprocessing

from bases.pocket.casting import casting, draw_cast, new_captions
from bases.pocket.contrasts import expression_pairs
from bases.pocket.shape import PocketShape
from bases.pocket.training import CPU
from bases.wan import WanText, token_ids

Kind = Literal["stills", "clips", "pairs"]
_AT_ONCE: dict[Kind, int] = {"stills": 32, "clips": 4, "pairs": 32}
_OFTEN: dict[Kind, float] = {"stills": 0.55, "clips": 0.27, "pairs": 0.18}
_COARSE = 4
"""Pixels of a mask's cell, as masks are kept."""
_WORDINGS = 6


class Stream:
    """Batches that come in as they are drawn.

    Args:
        shape: of the clips, and the world.
        text: reads the captions.
        makers: processes that draw.
    """

    def __init__(self, shape: PocketShape, text: WanText, makers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._drawn = context.Queue(4 * makers)
        for number in range(makers):
            arguments = (self._drawn, shape, text.tokenizer, number, makers)
            context.Process(target=_draw_on, args=arguments, daemon=True).start()

    def ready(self, most: int) -> Iterator[tuple[Kind, tuple[Tensor, ...]]]:
        """What has been drawn by now, so many batches at most."""
        for _ in range(most):
            try:
                yield self._drawn.get_nowait()
            except queue.Empty:
                return


def _draw_on(drawn: Any, shape: PocketShape, tokenizer: Any, number: int, makers: int) -> None:
    torch.set_num_threads(1)
    words = WanText(tokenizer, None)
    job = number
    while True:
        rng = random.Random(job)
        kind = rng.choices(list(_OFTEN), list(_OFTEN.values()))[0]
        make = _pairs if kind == "pairs" else partial(_clips, kind)
        drawn.put((kind, make(job, shape, words, rng)))
        job += makers


def _clips(
    kind: Kind, seed: int, shape: PocketShape, words: WanText, rng: random.Random
) -> tuple[Tensor, ...]:
    """Bytes of videos, of where subjects and faces are, and captions' tokens (B, V, L)."""
    frames = shape.frames if kind == "clips" else 1
    cast = casting((20_000_000 if kind == "clips" else 0) + seed, _AT_ONCE[kind], shape)
    wordings = [new_captions(cast, shape, rng, 0.0) for _ in range(_WORDINGS)]
    tokens = torch.stack([token_ids(words, prompts) for prompts in wordings], 1)
    return (*_in_bytes(*draw_cast(cast, shape, frames, CPU)), tokens.short())


def _pairs(seed: int, shape: PocketShape, words: WanText, rng: random.Random) -> tuple[Tensor, ...]:
    """Bytes of the first stills, of their masks and of the second ones, and tokens (B, 2, L)."""
    *both, prompts, others = expression_pairs(seed, _AT_ONCE["pairs"], shape)
    (first, subjects, faces), (second, *_) = (
        _in_bytes(*draw_cast(cast, shape, 1, CPU)) for cast in both
    )
    tokens = torch.stack([token_ids(words, said) for said in (prompts, others)], 1)
    return first, subjects, faces, second, tokens.short()


def _in_bytes(video: Tensor, *masks: Tensor) -> tuple[Tensor, ...]:
    small = (F.avg_pool3d(mask, (1, _COARSE, _COARSE)) for mask in masks)
    return tuple(part.mul(255).round().to(torch.uint8) for part in ((video + 1) / 2, *small))


class Growing:
    """Examples on a device, more and more until there is no room; then new ones replace old ones.

    Args:
        room: for how many.
        device: where they are kept.
    """

    def __init__(self, room: int, device: torch.device) -> None:
        self.room, self.device, self.added = room, device, 0
        self.parts: list[Tensor] = []

    def __len__(self) -> int:
        return min(self.added, self.room)

    def add(self, examples: tuple[Tensor, ...]) -> None:
        """Add some."""
        if not self.parts:
            self.parts = [
                torch.empty(self.room, *part.shape[1:], dtype=part.dtype, device=self.device)
                for part in examples
            ]
        places = torch.arange(self.added, self.added + len(examples[0])) % self.room
        for kept, part in zip(self.parts, examples, strict=True):
            kept[places.to(self.device)] = part.to(self.device)
        self.added += len(examples[0])

    def some(self, count: int, generator: Generator) -> list[Tensor]:
        """So many of them, drawn at random."""
        chosen = torch.randint(len(self), (count,), generator=generator).to(self.device)
        return [part[chosen] for part in self.parts]

    def each(self, count: int) -> Iterator[list[Tensor]]:
        """All of them, so many at a time."""
        for start in range(0, len(self), count):
            yield [part[start : start + count] for part in (p[: len(self)] for p in self.parts)]
