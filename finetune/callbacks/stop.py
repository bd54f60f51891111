"""Ctrl-C: the step that runs is finished and the state saved, then the training stops."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

import pytorch_lightning as pl

from finetune.callbacks.step import StepCallback

_KINDS = (signal.SIGINT, signal.SIGTERM)


class StopGently(StepCallback):
    """Asks the trainer to stop after the step at SIGINT or SIGTERM; a second one stops at once.

    When the training ends, the trainer itself puts back the handlers that it found.

    Attributes:
        asked: whether it was told to, which may have been in the very last step.
    """

    def __init__(self) -> None:
        self.asked = False

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Listen, if this is the thread that signals reach."""
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            self.asked = True
            for kind in _KINDS:
                signal.signal(kind, signal.default_int_handler)

        for kind in _KINDS:
            signal.signal(kind, stop)

    def on_step_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Stop here if that was asked for."""
        trainer.should_stop |= self.asked
