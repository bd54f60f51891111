"""Batches: what a step sees, which prompts in it are alike or empty, and what shapes it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from finetune.budget import Shapes


class Batch(NamedTuple):
    """Examples of one shape: latents (B, C, F, H, W) and the transformer's conditions.

    Attributes:
        name: "photos", "held" or "clips".
        number: how many came before it in the whole run, on which its noise depends.
        weight: of its loss.
        latents: clean.
        conditions: of each example, without a batch axis.
        faces: the share of each latent cell that the subject's head covers, (B, 1, 1, H, W).
        subjects: the same of the whole subject; all of it where nothing is known.
        asked: conditions of each example under which the base itself is asked, whose motion the
            batch's own conditions are to keep; none where the latents are to be learnt.
        others: conditions of each example that are about nobody or about another name, under which
            the adapter is to change nothing; none where that is not asked for.
        captions: of the examples, to name them.
        unprompted: conditions of each example without words.
    """

    name: str
    number: int
    weight: float
    latents: Tensor
    conditions: list[dict[str, Tensor]]
    faces: Tensor = torch.zeros(1, 1, 1, 1, 1)
    subjects: Tensor = torch.ones(1, 1, 1, 1, 1)
    asked: tuple[dict[str, Tensor], ...] = ()
    others: tuple[dict[str, Tensor], ...] = ()
    captions: tuple[str, ...] = ()
    unprompted: tuple[dict[str, Tensor], ...] = ()

    @property
    def stands_still(self) -> bool:
        """Whether photos were held still for it: how its frames differ is nothing to learn."""
        return self.name == "held"


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
