"""Drawings of the world that Pocket's trainings learn from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from bases.pocket.ahead import Ahead
from bases.pocket.casting import Choice, casting, draw_cast, names_of, new_captions, pairs
from bases.pocket.shape import PocketShape
from bases.pocket.training import CPU
from bases.wan import WanText, token_ids

Kind = Literal["stills", "clips", "expressions", "expression clips", "views", "actions"]
PAIRS: dict[Kind, Choice] = {
    "expressions": "expression",
    "expression clips": "expression",
    "views": "view",
    "actions": "action",
}
"""The kinds that are pairs, and what the two differ in."""

MOVING: tuple[Kind, ...] = ("clips", "expression clips", "actions")
"""The kinds that are clips or pairs of them; the others are stills."""

COARSE = 4
"""Pixels a side of a mask's cell, as masks are kept."""

_STILLS_AT_ONCE, _CLIPS_AT_ONCE = 64, 8
_OFTEN: dict[Kind, int] = {
    "stills": 55,
    "clips": 27,
    "expressions": 18,
    "expression clips": 24,
    "views": 9,
    "actions": 15,
}
_SEEDS: dict[Kind, int] = {
    "stills": 0,
    "clips": 20_000_000,
    "expressions": 30_000_000,
    "expression clips": 130_000_000,
    "views": 40_000_000,
    "actions": 110_000_000,
}
_WORDINGS = 6


class Drawn(NamedTuple):
    """A batch of one kind.

    Attributes:
        kind: stills, clips, or one of `PAIRS`.
        parts: in bytes videos (B, 3, F, H, W), where their subjects and where their faces are, each
            (B, 1, F, H / 4, W / 4), in either of a pair, whose second ones' videos follow; where
            there are captions, the tokens (B, V, L) of several wordings, or of what is said of both
            of a pair.
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
        pairs: kinds of pairs to draw too, where the world has two names of their choice.

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
        pairs: Sequence[Kind] = ("expressions",),
    ) -> None:
        self.makers, self.seed = makers, seed
        drawn = [kind for kind in pairs if len({*names_of(PAIRS[kind], shape.world)}) > 1]
        self.kinds: list[Kind] = ["stills", "clips", *(drawn if text is not None else ())]
        tokenizer = None if text is None else text.tokenizer
        self._ahead = Ahead(partial(_drawn, shape, tokenizer, self.kinds), makers, seed=seed)

    def ready(self, most: int) -> Iterator[Drawn]:
        """So many batches, or of what makers have drawn by now so many at most.

        Raises:
            BaseModelError: if a maker has ended.
        """
        return self._ahead.ready(most)


def _drawn(
    shape: PocketShape,
    tokenizer: PreTrainedTokenizerBase | None,
    kinds: list[Kind],
    number: int,
) -> Drawn:
    rng = random.Random(f"drawing {number}")
    kind = rng.choices(kinds, [_OFTEN[known] for known in kinds])[0]
    seed = _SEEDS[kind] + number
    if kind in PAIRS:
        videos, wordings = _pairs(kind, seed, shape, rng)
    else:
        videos, wordings = _clips(kind, seed, shape, rng)
    return Drawn(kind, videos if tokenizer is None else (*videos, _tokens(tokenizer, wordings)))


def _clips(
    kind: Kind, seed: int, shape: PocketShape, rng: random.Random
) -> tuple[tuple[Tensor, ...], list[list[str]]]:
    count, frames = _batch_of(kind, shape)
    cast = casting(seed, count, shape)
    wordings = [new_captions(cast, shape, rng) for _ in range(_WORDINGS)]
    return _in_bytes(*draw_cast(cast, shape, frames, CPU)), wordings


def _pairs(
    kind: Kind, seed: int, shape: PocketShape, rng: random.Random
) -> tuple[tuple[Tensor, ...], list[list[str]]]:
    """The masks cover where the subject is in either of the two."""
    count, frames = _batch_of(kind, shape)
    casts, said = pairs(PAIRS[kind], seed, count, shape, rng)
    first, second = (_in_bytes(*draw_cast(cast, shape, frames, CPU)) for cast in casts)
    masks = map(torch.maximum, first[1:], second[1:])
    return (first[0], *masks, second[0]), list(said)


def _batch_of(kind: Kind, shape: PocketShape) -> tuple[int, int]:
    """How many are drawn at once, and of how many frames."""
    return (_CLIPS_AT_ONCE, shape.frames) if kind in MOVING else (_STILLS_AT_ONCE, 1)


def _tokens(tokenizer: PreTrainedTokenizerBase, wordings: list[list[str]]) -> Tensor:
    """Of B captions in V wordings, (B, V, L)."""
    return torch.stack([token_ids(tokenizer, said) for said in wordings], 1).short()


def _in_bytes(video: Tensor, *masks: Tensor) -> tuple[Tensor, ...]:
    coarse = (F.avg_pool3d(mask, (1, COARSE, COARSE)) for mask in masks)
    return tuple(part.mul(255).round().to(torch.uint8) for part in ((video + 1) / 2, *coarse))
