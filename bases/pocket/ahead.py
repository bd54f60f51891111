"""Examples that are made before a training begins, by other processes if wanted.

Drawing is thousands of small operations, which a GPU does hardly faster than a core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from bases.pocket.crew import crew_rank, crew_seed

Made = TypeVar("Made")


class _Jobs(Dataset[Made], Generic[Made]):
    def __init__(self, make: Callable[[int], Made], seeds: Sequence[int]) -> None:
        self.make, self.seeds = make, seeds

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> Made:
        return self.make(self.seeds[index])


def made_ahead(
    make: Callable[[int], Made],
    jobs: int,
    makers: int = 0,
    *,
    seed: int = 0,
    what: str = "examples",
) -> Iterator[Made]:
    """What `make` makes of so many seeds, which no other process of a crew has.

    Args:
        make: gives tensors on the CPU; other processes must be able to import it.
        jobs: how often it is called.
        makers: other processes that call it; 0 for this one alone.
        seed: of the run; see `crew_seed`.
        what: is made, for the progress bar.
    """
    loader = DataLoader(
        _Jobs(make, [crew_seed(job, seed) for job in range(jobs)]),
        batch_size=None,
        num_workers=makers,
        multiprocessing_context="spawn" if makers else None,
    )
    yield from tqdm(loader, desc=what, disable=crew_rank() > 0)
