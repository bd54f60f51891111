"""Medians with bootstrap confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_RESAMPLES, _SEED = 4000, 0


class Interval(NamedTuple):
    """A figure and its 95% confidence interval."""

    value: float
    low: float
    high: float


def interval(values: Sequence[float], *, of: str = "median") -> Interval | None:
    """The median or mean of values, with a percentile bootstrap (Efron, 1979); None of none.

    Args:
        values: one for each independent subject; NaN does not count.
        of: "median" or "mean".
    """
    known = np.asarray([value for value in values if np.isfinite(value)])
    if not len(known):
        return None
    drawn = np.random.default_rng(_SEED).choice(known, (_RESAMPLES, len(known)))
    middles = np.median(drawn, axis=1) if of == "median" else drawn.mean(1)
    low, high = np.quantile(middles, (0.025, 0.975))
    middle = np.median(known) if of == "median" else known.mean()
    return Interval(float(middle), float(low), float(high))
