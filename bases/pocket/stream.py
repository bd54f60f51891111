"""Drawings of the world that Pocket's trainings learn from, made by this process or by others.

Drawing is thousands of small operations, which a GPU does hardly faster than a core: there, other
processes draw on the cores while it learns.
"""

from __future__ import annotations

import itertools
import os
import queue
import random
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, multiprocessing
from transformers import PreTrainedTokenizerBase

from bases.errors import BaseModelError
from bases.pocket.casting import casting, draw_cast, expression_pairs, new_captions
from bases.pocket.crew import crew_seed, crew_size
from bases.pocket.shape import PocketShape
from bases.pocket.training import CPU
from bases.wan import WanText, token_ids

Kind = Literal["stills", "clips", "pairs"]
COARSE = 4
"""Pixels a side of a mask's cell, as masks are kept."""

_AT_ONCE: dict[Kind, int] = {"stills": 64, "clips": 8, "pairs": 64}
_OFTEN: dict[Kind, int] = {"stills": 55, "clips": 27, "pairs": 18}
_SEEDS: dict[Kind, int] = {"stills": 0, "clips": 20_000_000, "pairs": 30_000_000}
_WORDINGS = 6


class Drawn(NamedTuple):
    """A batch of one kind.

    Attributes:
        kind: stills, clips, or pairs of stills that differ in the expression alone.
        parts: in bytes videos (B, 3, F, H, W), where their subjects and where their faces are, each
            (B, 1, F, H / 4, W / 4), and of pairs the second ones' videos; where there are captions,
            the tokens (B, V, L) of several wordings, or of what is said of both of a pair.
    """

    kind: Kind
    parts: tuple[Tensor, ...]


class Stream:
    """Batches without end, all different.

    Args:
        shape: of the clips, and the world.
        text: reads the captions; there are none, and no pairs, if None.
        makers: processes that draw ahead; 0 if this one draws, when asked.
        seed: of the run; see `crew_seed`.

    Raises:
        BaseModelError: if there are fewer than 0 makers.
    """

    def __init__(
        self,
        shape: PocketShape,
        text: WanText | None = None,
        *,
        makers: int = 0,
        seed: int = 0,
    ) -> None:
        if makers < 0:
            raise BaseModelError(f"makers={makers}: give 0 to draw here, or a number of processes.")
        self.makers, self.seed = makers, seed
        paired = text is not None and "person" in shape.world.kind
        self.kinds: tuple[Kind, ...] = (
            ("stills", "clips", "pairs") if paired else ("stills", "clips")
        )
        tokenizer = None if text is None else text.tokenizer
        drawing = (shape, tokenizer, self.kinds)
        self._here = _drawings(*drawing, _numbers(0, 1, seed))
        self._makers: list[Any] = []
        context = multiprocessing.get_context("spawn")
        self._there = context.Queue(4 * makers) if makers else None
        for maker in range(makers):
            given = (self._there, drawing, _numbers(maker, makers, seed))
            self._makers.append(context.Process(target=_draw_on, args=given, daemon=True))
            self._makers[-1].start()

    def ready(self, most: int) -> Iterator[Drawn]:
        """So many batches, or of what makers have drawn by now so many at most.

        Raises:
            BaseModelError: if a maker has ended.
        """
        if not self.makers:
            yield from itertools.islice(self._here, most)
            return
        for _ in range(most):
            try:
                yield self._there.get_nowait()  # type: ignore[union-attr]
            except queue.Empty:
                self._check_makers()
                return
            except (OSError, EOFError):  # what a maker drew that has ended is gone with it
                self._check_makers()
                raise

    def _check_makers(self) -> None:
        if not all(maker.is_alive() for maker in self._makers):
            raise BaseModelError(
                f"One of the {self.makers} processes that draw has ended, out of memory or of room "
                "in /dev/shm perhaps: give fewer --makers, or 0 to draw here."
            ) from None


def _numbers(first: int, apart: int, seed: int) -> Iterable[int]:
    """Numbers that no other maker of any process has."""
    return itertools.count(crew_seed(first, seed), apart * crew_size())


def _draw_on(drawn: Any, drawing: tuple[Any, Any, Any], numbers: Iterable[int]) -> None:
    """Draw until the process that asked for it ends, which comes first where cores are few."""
    os.nice(10)
    torch.set_num_threads(1)
    drawn.cancel_join_thread()
    for batch in _drawings(*drawing, numbers):
        for part in batch.parts:
            part.share_memory_()  # here, where too little of it ends this process
        while not _put(drawn, batch):
            parent = multiprocessing.parent_process()
            if parent is None or not parent.is_alive():
                return


def _put(drawn: Any, batch: Drawn) -> bool:
    """Whether there was room in a few seconds."""
    try:
        drawn.put(batch, timeout=5)
    except queue.Full:
        return False
    return True


def _drawings(
    shape: PocketShape,
    tokenizer: PreTrainedTokenizerBase | None,
    kinds: tuple[Kind, ...],
    numbers: Iterable[int],
) -> Iterator[Drawn]:
    for number in numbers:
        rng = random.Random(f"drawing {number}")
        kind = rng.choices(kinds, [_OFTEN[known] for known in kinds])[0]
        seed = _SEEDS[kind] + number
        if kind == "pairs":
            videos, wordings = _pairs(seed, shape, rng)
        else:
            videos, wordings = _clips(kind, seed, shape, rng)
        parts = videos if tokenizer is None else (*videos, _tokens(tokenizer, wordings))
        yield Drawn(kind, parts)


def _clips(
    kind: Kind, seed: int, shape: PocketShape, rng: random.Random
) -> tuple[tuple[Tensor, ...], list[list[str]]]:
    cast = casting(seed, _AT_ONCE[kind], shape)
    frames = shape.frames if kind == "clips" else 1
    wordings = [new_captions(cast, shape, rng) for _ in range(_WORDINGS)]
    return _in_bytes(*draw_cast(cast, shape, frames, CPU)), wordings


def _pairs(
    seed: int, shape: PocketShape, rng: random.Random
) -> tuple[tuple[Tensor, ...], list[list[str]]]:
    casts, said = expression_pairs(seed, _AT_ONCE["pairs"], shape, rng)
    first, second = (_in_bytes(*draw_cast(cast, shape, 1, CPU)) for cast in casts)
    return (*first, second[0]), list(said)


def _tokens(tokenizer: PreTrainedTokenizerBase, wordings: list[list[str]]) -> Tensor:
    """Of B captions in V wordings, (B, V, L)."""
    return torch.stack([token_ids(tokenizer, said) for said in wordings], 1).short()


def _in_bytes(video: Tensor, *masks: Tensor) -> tuple[Tensor, ...]:
    coarse = (F.avg_pool3d(mask, (1, COARSE, COARSE)) for mask in masks)
    return tuple(part.mul(255).round().to(torch.uint8) for part in ((video + 1) / 2, *coarse))
