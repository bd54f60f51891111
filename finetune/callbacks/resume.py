"""The state of a run, saved so that a run that was killed goes on and ends bit-equal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from bases.files import whole_file
from finetune.callbacks.step import StepCallback


class ResumeState(StepCallback):
    """Saves the state every few steps; a newer state replaces the older only once it is whole.

    Args:
        path: the file.
        every: steps between two saves.
    """

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every = path, every

    def on_step_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Save after every `every`-th step."""
        if trainer.global_step % self.every == 0:
            self._save(trainer)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """A run that was asked to stop before its last step goes on from here."""
        if trainer.global_step < trainer.max_steps:
            self._save(trainer)

    def _save(self, trainer: pl.Trainer) -> None:
        with whole_file(self.path) as partial:
            trainer.save_checkpoint(partial)
