"""Celebrities: individuals that a base is shown again and again, under their names.

A base that has only seen names that mean nothing learns to leave names alone, and then an adapter
cannot tie a subject to one: whoever the prompt names comes out as the subject.
"""

from __future__ import annotations

import functools
import random

import torch

from bases.pocket.world.captions import invented_name
from bases.pocket.world.looks import Look, sample_looks

_SEED = 40_000_000


@functools.cache
def celebrities(count: int) -> tuple[tuple[str, ...], Look]:
    """Names, all different, and looks of `count` individuals; the same on every run."""
    rng = random.Random(_SEED)
    names: dict[str, None] = {}
    while len(names) < count:
        names[invented_name(rng)] = None
    return tuple(names), sample_looks(count, torch.Generator().manual_seed(_SEED))
