"""Several processes that train one model together, each on data of its own.

`torchrun --nproc-per-node 2 -m bases.pocket.train_vae …` starts them; without torchrun there is one
and nothing here does anything. On two CPU cores two processes of one thread each do more than one
process of two threads, which wait for each other in every small operation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from bases.errors import BaseModelError

_MOST_SEEDS, _A_RUNS_NUMBERS = 4, 2_000_000


def join_crew() -> None:
    """Meet the other processes; does nothing where there are none."""
    if processes() > 1:
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def processes() -> int:
    """How many processes torchrun has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def crew_size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def crew_rank() -> int:
    """Which of them this is, counted from 0; the first one writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def crew_seed(step: int, seed: int = 0) -> int:
    """A number below ten million that no other step of any process has.

    Args:
        step: counted from 0; all steps of all processes are two million at most.
        seed: of the run, from 0 to 4; runs of different seeds share no number.

    Raises:
        BaseModelError: if another run's numbers would be reached.
    """
    number = step * crew_size() + crew_rank()
    if not 0 <= seed <= _MOST_SEEDS or number >= _A_RUNS_NUMBERS:
        raise BaseModelError(
            f"seed {seed}, step {step}: give a seed from 0 to {_MOST_SEEDS}, and fewer than "
            f"{_A_RUNS_NUMBERS} steps of all processes."
        )
    return seed * _A_RUNS_NUMBERS + number


def agreed(number: float) -> float:
    """A number of the first process's, the same in all of them."""
    if crew_size() == 1:
        return number
    device = "cuda" if torch.cuda.is_available() else "cpu"
    told = torch.tensor([number], dtype=torch.float64, device=device)
    dist.broadcast(told, 0)
    return told.item()


def share_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace every gradient by its mean over the processes."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if crew_size() > 1:
        flat = torch.cat([g.flatten() for g in gradients])
        total(flat).div_(crew_size())
        means = flat.split([g.numel() for g in gradients])
        for gradient, mean in zip(gradients, means, strict=True):
            gradient.copy_(mean.view_as(gradient))


def total(numbers: Tensor) -> Tensor:
    """Replace numbers by their sum over the processes, in place."""
    if crew_size() > 1:
        dist.all_reduce(numbers)
    return numbers
