"""A training that has left the numbers is stopped before the adapter is spoilt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch.optim import Optimizer

from finetune.data import Batch
from finetune.errors import TrainingError
from finetune.module import LoraModule


class StopUnlessFinite(pl.Callback):
    """Looks at the gradient of every step, which a loss that is no number has spoilt too.

    Args:
        state: the file of the run's state, to be named.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self.batches: list[Batch] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: LoraModule, batches: list[Batch], *_: Any
    ) -> None:
        """Remember what is learnt from."""
        self.batches = batches

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, module: LoraModule, optimizer: Optimizer
    ) -> None:
        """Go on if the gradient is finite.

        Raises:
            TrainingError: if it is not.
        """
        slopes = [weight.grad for weight in module.parameters() if weight.grad is not None]
        if torch.nn.utils.get_total_norm(slopes).isfinite():
            return
        bad = {name for name, loss in module.losses.items() if not loss.isfinite()}
        blamed = [batch for batch in self.batches if batch.name in bad] or self.batches
        names = " and ".join(repr(batch.name) for batch in blamed)
        captions = dict.fromkeys(caption for batch in blamed for caption in batch.captions)
        what = "loss is no number" if bad else "gradient is no number, though the loss is one"
        kept = (
            f"The state before is kept in {str(self.state)!r}: the same command goes on from it"
            if self.state.is_file()
            else "No state had been saved yet: the same command begins anew"
        )
        raise TrainingError(
            f"At step {trainer.global_step + 1} the {what}, in the batch {names} of "
            f"{'; '.join(map(repr, captions))}. {kept}. Should it fail again, give a lower "
            "--model.lr with --output.force true, and it begins anew."
        )
