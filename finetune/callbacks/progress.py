"""A progress bar over the steps, with the time left, the speed and the loss."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
from tqdm import tqdm

from finetune.callbacks.step import StepCallback


class Progress(StepCallback):
    """Shows one line for the whole run."""

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Open the bar where the run stands."""
        self.bar = tqdm(
            desc="training",
            total=trainer.max_steps,
            initial=trainer.global_step,
            unit="step",
            dynamic_ncols=True,
        )

    def on_step_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: dict[str, Any], *_: Any
    ) -> None:
        """Advance by one step."""
        self.bar.set_postfix(loss=f"{outputs['loss'].item():.3f}", refresh=False)
        self.bar.update()

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        """Leave the line as it is."""
        self._close()

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave it as it is after an error too, which begins a line of its own."""
        self._close()

    def _close(self) -> None:
        if hasattr(self, "bar"):
            self.bar.close()
