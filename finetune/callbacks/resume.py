"""The state of a run, saved so that a run that was killed goes on and ends bit-equal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytorch_lightning as pl


class ResumeState(pl.Callback):
    """Saves the state every few steps; a newer state replaces the older only once it is whole.

    Args:
        path: the file.
        every: steps between two saves.
    """

    def __init__(self, path: Path, every: int = 25) -> None:
        self.path, self.every = path, every

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Save after every `every`-th step, between two steps if they gather several batches."""
        whole = (index + 1) % trainer.accumulate_grad_batches == 0
        if whole and trainer.global_step % self.every == 0:
            self._save(trainer)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """A run that was asked to stop before its last step goes on from here."""
        if trainer.global_step < trainer.max_steps:
            self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        partial = self.path.with_suffix(".part")
        trainer.save_checkpoint(partial)
        os.replace(partial, self.path)
