"""Batches of examples that the judge learns from again and again, some of them new now and then."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

import torch

from bases.pocket.ahead import Ahead
from bases.pocket.judge.examples import Examples, unpacked


class Lots:
    """Lots of packed examples on the device that learns from them.

    Args:
        make: of a number gives a lot; processes that draw ahead must be able to import it.
        count: how many; none are drawn, and none can be had, if 0.
        makers: processes that draw; 0 if this one does, when asked.
        seed: of the run; see `crew_seed`.
        device: where they are kept.

    Raises:
        BaseModelError: if there are fewer than 0 makers, or one of them has ended.
    """

    def __init__(
        self,
        make: Callable[[int], Examples],
        count: int,
        *,
        makers: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self._device, self._oldest = device, 0
        self._ahead = Ahead(make, makers if count else 0, seed=seed)
        self._lots = [self._own(lot) for lot in self._ahead.take(count, "lots")]

    def __len__(self) -> int:
        return len(self._lots)

    def some(self, rng: random.Random) -> Examples:
        """One of them, unpacked."""
        return unpacked(rng.choice(self._lots), self._device)

    def renew(self) -> None:
        """Let a new one take the oldest one's place, if there is one by now."""
        for lot in self._ahead.ready(min(1, len(self))):
            self._lots[self._oldest] = self._own(lot)
            self._oldest = (self._oldest + 1) % len(self)

    def close(self) -> None:
        """End the makers."""
        self._ahead.close()

    def _own(self, lot: Examples) -> Examples:
        return copy.deepcopy(lot).to(self._device)  # out of the makers' memory
