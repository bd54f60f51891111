"""What a callback does after a step, which may have gathered the gradients of several batches."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl


class StepCallback(pl.Callback):
    """Is asked at the end of every step, and not of every batch that one gathers."""

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Ask, if the batch was the last of its step."""
        if (index + 1) % trainer.accumulate_grad_batches == 0:
            self.on_step_end(trainer, module, outputs, batch)

    def on_step_end(
        self, trainer: pl.Trainer, module: Any, outputs: dict[str, Any], batches: list[Any]
    ) -> None:
        """Called when the weights have moved.

        Args:
            trainer: whose `global_step` counts the step.
            module: what is trained.
            outputs: the last batches' `loss`.
            batches: what was learnt from last, one of each kind.
        """
        raise NotImplementedError
