"""Ctrl-C: the step that runs is finished and the state saved, then the training stops."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

import pytorch_lightning as pl


class StopGently(pl.Callback):
    """Asks the trainer to stop after the step at SIGINT or SIGTERM; a second one stops at once."""

    def __init__(self) -> None:
        self.before: dict[signal.Signals, Any] = {}

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Listen, if this is the thread that signals reach."""
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            trainer.should_stop = True
            self._restore()

        for kind in (signal.SIGINT, signal.SIGTERM):
            self.before[kind] = signal.signal(kind, stop)

    def teardown(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        """Listen no more."""
        self._restore()

    def _restore(self) -> None:
        for kind, handler in self.before.items():
            signal.signal(kind, handler)
        self.before = {}
