"""A signal stops a training after the step that runs, a second one at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from finetune.adapter import WEIGHTS
from finetune.errors import TrainingError
from finetune.module import LoraModule
from finetune.train import train
from tests.finetune.conftest import GATHERING, STEPS


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("more", [(), GATHERING])
def test_a_signal_lets_the_step_end_saves_and_the_run_goes_on_from_there(
    home: Path,
    undisturbed: Callable[..., bytes],
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    kind: signal.Signals,
) -> None:
    arguments = command(home, "--output.save_every=100", *more, steps=STEPS)
    before = signal.getsignal(kind)
    learn = LoraModule.training_step

    def interrupted(self: LoraModule, batch: Any, index: int) -> Any:
        if index == (7 if more else 4) - 1:
            os.kill(os.getpid(), kind)
        return learn(self, batch, index)

    with monkeypatch.context() as patched:
        patched.setattr(LoraModule, "training_step", interrupted)
        with pytest.raises(TrainingError, match=r"Stopped at step 4 of 12\. .* from the state"):
            train(arguments)
    assert signal.getsignal(kind) is before
    assert (train(arguments).folder / WEIGHTS).read_bytes() == undisturbed(*more)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once(
    home: Path,
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    kind: signal.Signals,
) -> None:
    def interrupted(self: LoraModule, batch: Any, index: int) -> Any:
        os.kill(os.getpid(), kind)
        os.kill(os.getpid(), kind)
        raise AssertionError("it went on")

    monkeypatch.setattr(LoraModule, "training_step", interrupted)
    with pytest.raises(TrainingError, match="Stopped at step 0 of 4"):
        train(command(home))
