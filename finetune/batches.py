"""What can be told of a batch: which prompts are alike, which are empty, what shapes it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from finetune.budget import Shapes
from finetune.data import Batch


def alike(conditions: Sequence[dict[str, Tensor]], *, one_by_one: bool) -> list[list[int]]:
    """The numbers of those whose tensors are of the same shapes, group by group, or each alone."""
    if one_by_one:
        return [[row] for row in range(len(conditions))]
    groups = defaultdict(list)
    for row, condition in enumerate(conditions):
        groups[tuple((name, rows.shape) for name, rows in condition.items())].append(row)
    return list(groups.values())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two conditions are the same, as when both captions were dropped."""
    return all(torch.equal(one[name], other[name]) for name in one)


def prompted(batch: Batch) -> Tensor:
    """1 for each example that has a prompt, else 0, (B, 1, 1, 1, 1).

    What a base answers without one is what its guidance is measured from, and stays.
    """
    pairs = zip(batch.conditions, batch.unprompted, strict=True)
    return torch.tensor([float(not same(*pair)) for pair in pairs]).view(-1, 1, 1, 1, 1)


def shapes_of(batch: Batch) -> Shapes:
    """A batch as its memory is counted: as if all its prompts were like the first."""
    first = batch.conditions[0].items()
    return Shapes(batch.latents, {n: torch.stack([v] * len(batch.latents)) for n, v in first})
