"""Examples that other processes make ahead, or this one when it is asked.

Drawing is thousands of small operations, which a GPU does hardly faster than a core: there, other
processes draw on the cores while it learns.
"""

from __future__ import annotations

import itertools
import os
import pickle
import queue
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, TypeVar

import torch
from torch import multiprocessing
from tqdm import tqdm

from bases.errors import BaseModelError
from bases.pocket.crew import crew_rank, crew_seed, crew_size

Made = TypeVar("Made")


class Ahead(Generic[Made]):
    """Examples without end, each of a number that no other process has.

    Args:
        make: of a number gives an example on the CPU; other processes must be able to import it.
        makers: processes that make examples ahead; 0 if this one does, when asked.
        seed: of the run; see `crew_seed`.

    Raises:
        BaseModelError: if there are fewer than 0 makers.
    """

    def __init__(self, make: Callable[[int], Made], makers: int, *, seed: int = 0) -> None:
        if makers < 0:
            raise BaseModelError(f"makers={makers}: give 0 to draw here, or a number of processes.")
        self._make, self._numbers = make, iter(_numbers(0, 1, seed))
        self._makers: list[Any] = []
        context = multiprocessing.get_context("spawn")
        self._made = context.Queue(4 * makers) if makers else None
        for maker in range(makers):
            given = (self._made, make, _numbers(maker, makers, seed))
            self._makers.append(context.Process(target=_make_on, args=given, daemon=True))
            self._makers[-1].start()

    def ready(self, most: int) -> Iterator[Made]:
        """So many examples, or of what makers have made by now so many at most.

        Raises:
            BaseModelError: if a maker has ended.
        """
        for _ in range(most):
            if self._made is None:
                yield self._make(next(self._numbers))
                continue
            try:
                yield pickle.loads(self._made.get_nowait())
            except queue.Empty:
                self._check_makers()
                return
            except (OSError, EOFError):  # what an ended maker made is gone with it
                self._check_makers()
                raise

    def take(self, count: int, what: str) -> Iterator[Made]:
        """So many examples, waited for, with a progress bar that says what they are."""
        left = count
        with tqdm(total=count, desc=what, disable=crew_rank() > 0) as bar:
            while left:
                for made in self.ready(left):
                    yield made
                    left -= 1
                    bar.update()
                time.sleep(0.01)

    def close(self) -> None:
        """End the makers."""
        for maker in self._makers:
            maker.terminate()

    def _check_makers(self) -> None:
        if not all(maker.is_alive() for maker in self._makers):
            raise BaseModelError(
                f"One of the {len(self._makers)} processes that draw has ended, out of memory or "
                "of room in /dev/shm perhaps: give fewer --makers, or 0 to draw here."
            ) from None


def _numbers(first: int, apart: int, seed: int) -> Iterable[int]:
    """Numbers that no other maker of any process has."""
    return itertools.count(crew_seed(first, seed), apart * crew_size())


def _make_on(made: Any, make: Callable[[int], Made], numbers: Iterable[int]) -> None:
    """Make examples until the process that asked for them ends, which comes first on the cores."""
    os.nice(10)
    torch.set_num_threads(1)
    made.cancel_join_thread()
    for number in numbers:
        example = bytes(ForkingPickler.dumps(make(number)))  # shared here, where a failure is seen
        while not _put(made, example):
            parent = multiprocessing.parent_process()
            if parent is None or not parent.is_alive():
                return


def _put(made: Any, example: bytes) -> bool:
    """Whether there was room in a few seconds."""
    try:
        made.put(example, timeout=5)
    except queue.Full:
        return False
    return True
