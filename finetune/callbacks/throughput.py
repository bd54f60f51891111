"""How fast the training runs, measured while it does."""

from __future__ import annotations

import time
from itertools import pairwise
from statistics import median
from typing import Any

import pytorch_lightning as pl

from finetune.batches import Batch
from finetune.callbacks.step import StepCallback


class Throughput(StepCallback):
    """Times every step; the first few, which warm up, do not count.

    Args:
        warmup: steps that do not count.
    """

    def __init__(self, warmup: int = 3) -> None:
        self.warmup = warmup
        self.ends: list[float] = []
        self.examples = 0

    def on_step_end(
        self,
        trainer: pl.Trainer,
        module: pl.LightningModule,
        outputs: dict[str, Any],
        batches: list[Batch],
    ) -> None:
        """Note how long the step took, what it waited for included."""
        self.ends.append(time.perf_counter())
        gathered = trainer.accumulate_grad_batches
        self.examples = gathered * sum(len(batch.latents) for batch in batches)

    @property
    def summary(self) -> dict[str, float]:
        """Median seconds a step and examples a second; empty if there were too few steps."""
        seconds = [end - start for start, end in pairwise(self.ends)][self.warmup :]
        if not seconds:
            return {}
        step = median(seconds)
        return {
            "seconds_a_step": round(step, 4),
            "examples_a_second": round(self.examples / step, 2),
        }
