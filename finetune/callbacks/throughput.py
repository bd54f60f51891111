"""How fast the training runs, measured while it does."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import pytorch_lightning as pl

from finetune.data import Batch


class Throughput(pl.Callback):
    """Times every step; the first few, which warm up, do not count.

    Args:
        warmup: steps that do not count.
    """

    def __init__(self, warmup: int = 3) -> None:
        self.warmup = warmup
        self.seconds: list[float] = []
        self.examples = 0
        self.last = 0.0

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        outputs: Any,
        batches: list[Batch],
        batch_idx: int,
    ) -> None:
        """Note how long the step took, what it waited for included."""
        now = time.perf_counter()
        if self.last and batch_idx > self.warmup:
            self.seconds.append(now - self.last)
        self.last = now
        self.examples = sum(len(batch.latents) for batch in batches)

    @property
    def summary(self) -> dict[str, float]:
        """Median seconds a step and examples a second; empty if there were too few steps."""
        if not self.seconds:
            return {}
        step = median(self.seconds)
        return {
            "seconds_a_step": round(step, 4),
            "examples_a_second": round(self.examples / step, 2),
        }
