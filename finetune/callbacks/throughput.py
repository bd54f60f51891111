"""How fast the training runs, measured while it does."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median
from typing import Any

from finetune.callbacks.step import StepCallback

_WARMUP = 3
"""Steps that do not count."""


class Throughput(StepCallback):
    """Times every step; the first few, which warm up, do not count."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: Any) -> None:
        """Note when the step ended, so that the next one's time has what it waited for."""
        self.ends.append(time.perf_counter())

    @property
    def summary(self) -> dict[str, float]:
        """Median seconds a step; empty if there were too few steps."""
        seconds = [end - start for start, end in pairwise(self.ends)][_WARMUP:]
        return {"seconds_a_step": round(median(seconds), 4)} if seconds else {}
