"""A training that is to begin anew does so once, and goes on when it is killed itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl

from finetune.adapter import RUN
from finetune.callbacks import Progress
from finetune.errors import TrainingError
from finetune.train import train
from tests.finetune.conftest import STEPS
from tests.finetune.test_resume import SAVED, Killed, die, stop_at

FORCED = "--output.force=true"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The step at which each training begins."""
    steps: list[int] = []

    def note(self: Progress, trainer: pl.Trainer, *_: Any) -> None:
        steps.append(trainer.global_step)

    monkeypatch.setattr(Progress, "on_train_start", note)
    monkeypatch.setattr(Progress, "on_step_end", lambda *_: None)
    return steps


def kill_at(step: int, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_step_end", stop_at(step, die))
        with pytest.raises(Killed):
            train(arguments)


def test_a_stopped_run_of_the_same_settings_is_begun_anew_and_then_gone_on_with(
    home: Path,
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    started: list[int],
) -> None:
    kill_at(3, command(home, SAVED, steps=STEPS), monkeypatch)
    kill_at(5, command(home, SAVED, FORCED, steps=STEPS), monkeypatch)
    kill_at(7, command(home, SAVED, FORCED, steps=STEPS), monkeypatch)
    train(command(home, SAVED, steps=STEPS))
    assert started == [0, 0, 4, 6]


def test_an_adapter_is_trained_anew_each_time_that_it_is_asked_for(
    home: Path, command: Callable[..., list[str]], started: list[int]
) -> None:
    for _ in range(2):
        train(command(home, FORCED, steps=2))
    assert started == [0, 0]


@pytest.mark.parametrize("content", ["", '{"experts": [{"na', "[1]", '{"experts": [1]}'])
def test_a_record_that_was_cut_short_is_named(
    home: Path,
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    content: str,
) -> None:
    arguments = command(home, SAVED, steps=STEPS)
    kill_at(3, arguments, monkeypatch)
    record = home / "runs" / "toto" / "adapter" / RUN
    record.write_text(content)
    with pytest.raises(TrainingError, match=r"run\.json' is damaged: delete the folder '.*adapter"):
        train(arguments)
    record.unlink()
    record.parent.rmdir()
    assert train(arguments).run["experts"][0]["steps"] == STEPS
