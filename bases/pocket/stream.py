"""Drawings of the world that Pocket's trainings learn from."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from bases.pocket.ahead import Ahead
from bases.pocket.casting import (
    Casting,
    Choice,
    casting,
    draw_cast,
    names_of,
    new_captions,
    pair_captions,
    pairs,
    plain_captions,
)
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

_AT_ONCE, _AT_ONCE_ON_GPU = (64, 8), (1024, 128)
"""Stills and clips of a batch; of pairs on a GPU half as many."""

_OFTEN: dict[Kind, int] = {
    "stills": 55,
    "clips": 27,
    "expressions": 18,
    "expression clips": 24,
    "views": 9,
    "actions": 15,
}
_OFTEN_ON_GPU: dict[Kind, int] = {
    "stills": 80,
    "clips": 94,
    "expressions": 32,
    "expression clips": 24,
    "views": 24,
    "actions": 48,
}
"""There stills take as long as clips."""

_BETWEEN_ON_GPU = 300
"""Steps of a training after which there a few new batches are drawn."""

_SEEDS: dict[Kind, int] = {
    "stills": 0,
    "clips": 20_000_000,
    "expressions": 30_000_000,
    "expression clips": 130_000_000,
    "views": 40_000_000,
    "actions": 110_000_000,
}
_FREE = 5
"""Wordings, beside the plain one."""


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

    On a CPU others may draw while this process trains. A GPU draws large batches much faster than
    sixteen cores; there others put into words what this process draws now and then.

    Args:
        shape: of the clips, and the world.
        text: reads the captions; there are none, and no pairs, if None.
        device: draws.
        makers: processes that draw ahead, or on a GPU put into words what is drawn; 0 if this one
            does, when asked.
        seed: of the run; see `crew_seed`.
        pairs: kinds of pairs to draw too, where the world has two names of their choice.

    Attributes:
        every: of so many steps of a training it has something new; 0 if it should not be asked.
        kinds: that there are.
        seed: of the run.

    Raises:
        BaseModelError: if there are fewer than 0 makers.
    """

    def __init__(
        self,
        shape: PocketShape,
        text: WanText | None = None,
        *,
        device: torch.device = CPU,
        makers: int = 0,
        seed: int = 0,
        pairs: Sequence[Kind] = ("expressions",),
    ) -> None:
        self.seed, self._device = seed, device
        drawn = [kind for kind in pairs if len({*names_of(PAIRS[kind], shape.world)}) > 1]
        self.kinds: list[Kind] = ["stills", "clips", *(drawn if text is not None else ())]
        tokenizer = None if text is None else text.tokenizer
        self._plan = _Plan(shape, tokenizer, self.kinds, on_gpu=device.type != "cpu")
        self.every = 0 if makers < 1 else _BETWEEN_ON_GPU if self._plan.on_gpu else 1
        make = self._plan.worded if self._plan.on_gpu else self._plan.drawn
        self._ahead = Ahead[Any](make, makers, seed=seed)

    def ready(self, most: int) -> Iterator[Drawn]:
        """So many batches, or of what makers have made by now so many at most.

        Raises:
            BaseModelError: if a maker has ended.
        """
        for made in self._ahead.ready(most):
            if isinstance(made, Drawn):
                yield made
            else:
                number, tokens = made
                yield self._plan.drawn(number, self._device, tokens)

    def close(self) -> None:
        """End the makers."""
        self._ahead.close()


@dataclass(frozen=True)
class _Plan:
    """What each number's batch is.

    Attributes:
        shape: of the clips, and the world.
        tokenizer: reads the captions, if there are any.
        kinds: that there are.
        on_gpu: whether a GPU draws.
    """

    shape: PocketShape
    tokenizer: PreTrainedTokenizerBase | None
    kinds: list[Kind]
    on_gpu: bool

    def worded(self, number: int) -> tuple[int, tuple[Tensor, ...]]:
        """The number again, and the tokens of what is drawn, if any."""
        return number, self._tokens(*self._cast(number))

    def drawn(
        self, number: int, device: torch.device = CPU, tokens: tuple[Tensor, ...] | None = None
    ) -> Drawn:
        """The batch."""
        kind, casts, rng = self._cast(number)
        if tokens is None:
            tokens = self._tokens(kind, casts, rng)
        frames = self.shape.frames if kind in MOVING else 1
        videos = [_in_bytes(*draw_cast(cast, self.shape, frames, device)) for cast in casts]
        (first, *masks), *others = videos
        for _, *more in others:
            masks = [torch.maximum(*both) for both in zip(masks, more, strict=True)]
        return Drawn(kind, (first, *masks, *(second for second, *_ in others), *tokens))

    def _cast(self, number: int) -> tuple[Kind, tuple[Casting, ...], random.Random]:
        """One casting, or the two of pairs, and what goes on to draw their words."""
        rng = random.Random(f"drawing {number}")
        often = _OFTEN_ON_GPU if self.on_gpu else _OFTEN
        kind = rng.choices(self.kinds, [often[known] for known in self.kinds])[0]
        stills, clips = _AT_ONCE_ON_GPU if self.on_gpu else _AT_ONCE
        count, seed = clips if kind in MOVING else stills, _SEEDS[kind] + number
        if kind not in PAIRS:
            return kind, (casting(seed, count, self.shape),), rng
        count = count // 2 if self.on_gpu else count
        return kind, pairs(PAIRS[kind], seed, count, self.shape, rng), rng

    def _tokens(
        self, kind: Kind, casts: tuple[Casting, ...], rng: random.Random
    ) -> tuple[Tensor, ...]:
        """Of B captions in V wordings, (B, V, L); nothing if none are read."""
        if self.tokenizer is None:
            return ()
        if kind in PAIRS:
            wordings = pair_captions(PAIRS[kind], casts, self.shape, rng)
        else:
            plain = plain_captions(casts[0], self.shape, rng)
            wordings = [plain, *(new_captions(casts[0], self.shape, rng) for _ in range(_FREE))]
        read = [token_ids(self.tokenizer, said) for said in wordings]
        return (torch.stack(read, 1).short(),)


def _in_bytes(video: Tensor, *masks: Tensor) -> tuple[Tensor, ...]:
    coarse = (F.avg_pool3d(mask, (1, COARSE, COARSE)) for mask in masks)
    return tuple(part.mul(255).round().to(torch.uint8) for part in ((video + 1) / 2, *coarse))
