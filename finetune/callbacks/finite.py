"""A training that has left the numbers is stopped before the adapter is spoilt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision
from torch.optim import Optimizer

from finetune.batches import Batch
from finetune.errors import TrainingError
from finetune.module import PRIOR, LoraModule

_SHOWN = 3
"""Captions of a batch that are named."""


class StopUnlessFinite(pl.Callback):
    """Looks at the gradient of every step, which a loss that is no number has spoilt too.

    Args:
        state: the file of the run's state, to be named.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self.learnt: list[Batch] = []
        self.blamed: list[Batch] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: LoraModule, batches: list[Batch], *_: Any
    ) -> None:
        """Remember what the step is learnt from, of which there may be several rows of batches."""
        self.learnt += batches
        self.batches = batches

    def on_after_backward(self, trainer: pl.Trainer, module: LoraModule) -> None:
        """Remember what has a loss that is no number."""
        bad = [name for name, loss in module.losses.items() if not loss.isfinite()]
        names = {name.removeprefix(PRIOR) for name in bad}
        self.blamed += [batch for batch in self.batches if batch.name in names]

    def on_before_optimizer_step(
        self, trainer: pl.Trainer, module: LoraModule, optimizer: Optimizer
    ) -> None:
        """Go on if the gradient is finite, or a scaler can still try a smaller scale for it.

        Raises:
            TrainingError: if it is not.
        """
        learnt, blamed = self.learnt, self.blamed
        self.learnt, self.blamed = [], []
        if not blamed and (_is_finite(module) or _may_overflow(trainer.precision_plugin)):
            return
        names = " and ".join(dict.fromkeys(repr(batch.name) for batch in blamed or learnt))
        captions = list(dict.fromkeys(c for batch in blamed or learnt for c in batch.captions))
        shown = "; ".join(map(repr, captions[:_SHOWN]))
        more = f" and {len(captions) - _SHOWN} more" if len(captions) > _SHOWN else ""
        what = "loss is no number" if blamed else "gradient is no number, though the loss is one"
        kept = (
            f"The state before is kept in {str(self.state)!r}: the same command goes on from it"
            if self.state.is_file()
            else "No state had been saved yet: the same command begins anew"
        )
        raise TrainingError(
            f"At step {trainer.global_step + 1} the {what}, in the batch {names} of "
            f"{shown}{more}. {kept}. Should it fail again, give a lower "
            "--model.lr with --output.force true, and it begins anew."
        )


def _may_overflow(precision: Any) -> bool:
    """Whether losses are scaled up, as for 16-mixed: a step that overflows is then passed over."""
    scaler = precision.scaler if isinstance(precision, MixedPrecision) else None
    return scaler is not None and scaler.get_scale() > 1


def _is_finite(module: LoraModule) -> bool:
    slopes = [weight.grad for weight in module.parameters() if weight.grad is not None]
    return bool(torch.nn.utils.get_total_norm(slopes).isfinite())
