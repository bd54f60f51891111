"""A run that was stopped, in whatever way, goes on and ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
from filelock import FileLock

from finetune.adapter import WEIGHTS, Adapter
from finetune.callbacks import ExportAdapter, Progress
from finetune.errors import TrainingError
from finetune.train import train
from subjects import Subject
from tests.finetune.conftest import GATHERING, STEPS

ROOT = Path(__file__).parents[2]
SAVED = "--output.save_every=2"


def stop_at(step: int, act: Callable[[pl.Trainer], None]) -> Callable[..., None]:
    def on_step_end(self: Progress, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == step:
            act(trainer)

    return on_step_end


class Killed(Exception):
    """Stands for a process that ends where it is."""


def die(trainer: pl.Trainer) -> None:
    raise Killed


def stop(trainer: pl.Trainer) -> None:
    trainer.should_stop = True


def test_a_seed_means_one_adapter(
    home: Path, undisturbed: Callable[..., bytes], command: Callable[..., list[str]]
) -> None:
    weights = undisturbed(steps=3)
    assert (train(command(home, steps=3)).folder / WEIGHTS).read_bytes() == weights
    other = train(command(home, "--output.name=other", "--model.seed=1", steps=3))
    assert (other.folder / WEIGHTS).read_bytes() != weights
    third = train(command(home, "--output.name=third", "--data.seed=1", steps=3))
    assert (third.folder / WEIGHTS).read_bytes() != weights


@pytest.mark.parametrize(
    "more",
    [
        (),
        GATHERING,
        ("--model.thrift.weights=nf4", "--model.thrift.recompute=everything"),
        ("--model.thrift.optimizer=adamw8bit",),
        ("--model.prior_weight=0.3", "--model.name_gate=3"),
    ],
)
@pytest.mark.usefixtures("eager")
def test_a_run_that_died_goes_on_and_ends_bit_equal(
    home: Path,
    undisturbed: Callable[..., bytes],
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
) -> None:
    arguments = command(home, SAVED, *more, steps=STEPS)
    for step in (3, 8, 9):
        with monkeypatch.context() as patched:
            patched.setattr(Progress, "on_step_end", stop_at(step, die))
            with pytest.raises(Killed):
                train(arguments)
        assert (home / "runs" / "toto" / "state.ckpt").is_file()
        assert not (home / "adapters" / "toto").exists()
    assert (train(arguments).folder / WEIGHTS).read_bytes() == undisturbed(SAVED, *more)


@pytest.mark.parametrize("left", [0, 1000])
def test_a_state_that_was_cut_short_is_named(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    arguments = command(home, SAVED, steps=STEPS)
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_step_end", stop_at(3, die))
        with pytest.raises(Killed):
            train(arguments)
    state = home / "runs" / "toto" / "state.ckpt"
    state.write_bytes(state.read_bytes()[:left])
    with pytest.raises(TrainingError, match=r"state\.ckpt' cannot be read: delete it"):
        train(arguments)
    state.unlink()
    assert train(arguments).run["experts"][0]["steps"] == STEPS


def test_an_epoch_goes_on_where_the_one_before_it_ended(
    home: Path, undisturbed: Callable[..., bytes], command: Callable[..., list[str]]
) -> None:
    short = train(command(home, "--trainer.limit_train_batches=4", *GATHERING, steps=6))
    assert (short.folder / WEIGHTS).read_bytes() == undisturbed(*GATHERING, steps=6)


def test_who_is_told_of_an_adapter_is_told_again_after_a_kill_and_not_later(
    home: Path, command: Callable[..., list[str]]
) -> None:
    told: list[str] = []

    def tell(adapter: Adapter) -> None:
        told.append(adapter.folder.name)
        if len(told) == 1:
            raise KeyboardInterrupt

    def measure(adapter: Adapter) -> None:
        if len(told) == 2:
            raise KeyboardInterrupt

    arguments = command(home, steps=2)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(arguments, placed=tell, finish=measure)
    told.append("measured")
    train(arguments, placed=tell, finish=measure)
    assert told == ["toto", "toto", "measured"]


def test_a_run_that_was_asked_to_stop_loses_no_step(
    home: Path,
    undisturbed: Callable[..., bytes],
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments, started = command(home, "--output.save_every=100", steps=STEPS), []
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_step_end", stop_at(5, stop))
        with pytest.raises(TrainingError, match=r"Stopped at step 5 of 12\. .* from the state"):
            train(arguments)
    assert not (home / "adapters" / "toto").exists()
    monkeypatch.setattr(
        Progress, "on_train_start", lambda self, trainer, _: started.append(trainer.global_step)
    )
    monkeypatch.setattr(Progress, "on_step_end", lambda *_: None)
    assert (train(arguments).folder / WEIGHTS).read_bytes() == undisturbed()
    assert started == [5, 0]


@pytest.mark.parametrize(
    ("change", "said"),
    [("setting", "model.seed"), ("caption", "the photos or their captions"), ("trigger", "called")],
)
def test_a_state_of_other_settings_or_photos_is_not_gone_on_from(
    home: Path,
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    said: str,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_step_end", stop_at(3, die))
        with pytest.raises(Killed):
            train(command(home, SAVED))
    more = ["--model.seed=5"] if change == "setting" else []
    if change == "trigger":
        replace(Subject.load(home, "toto"), trigger="tototo").save()
    if change == "caption":
        path = home / "subjects" / "toto" / "photos" / "metadata.jsonl"
        path.write_text(path.read_text().replace("toto, ", "toto, seen from above, "))
    with pytest.raises(TrainingError, match=f"'toto' was stopped under other .*: {said} w"):
        train(command(home, SAVED, *more))
    assert (home / "runs" / "toto" / "state.ckpt").is_file()
    started = []
    monkeypatch.setattr(
        Progress, "on_train_start", lambda self, trainer, _: started.append(trainer.global_step)
    )
    monkeypatch.setattr(Progress, "on_step_end", lambda *_: None)
    train(command(home, SAVED, "--output.force=true", *more))
    assert started == [0]


def test_a_home_and_a_base_may_be_spelled_in_another_way(
    home: Path,
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    tiny_folder: Path,
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_step_end", stop_at(3, die))
        with pytest.raises(Killed):
            train(command(home, SAVED))
    monkeypatch.chdir(home)
    spelled = f"--data.base={os.path.relpath(tiny_folder)}"
    monkeypatch.setattr(Progress, "on_step_end", stop_at(1, die))
    train([*command(Path(), SAVED), spelled])


def test_an_adapter_is_replaced_only_by_force_and_only_when_done(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (train(command(home, steps=2)).folder / WEIGHTS).read_bytes()
    with pytest.raises(TrainingError, match=r"adapter 'toto' already.*--output\.force true"):
        train(command(home, "--model.seed=1", steps=2))
    forced = command(home, "--model.seed=1", "--output.force=true", steps=2)
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_step_end", stop_at(1, die))
        with pytest.raises(Killed):
            train(forced)
    assert (home / "adapters" / "toto" / WEIGHTS).read_bytes() == first
    assert (train(forced).folder / WEIGHTS).read_bytes() != first
    assert [path.name for path in (home / "adapters").iterdir()] == ["toto"]


def test_a_run_whose_adapter_could_not_be_written_is_not_trained_again(
    home: Path,
    undisturbed: Callable[..., bytes],
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = command(home, SAVED, steps=4)
    with monkeypatch.context() as patched:
        patched.setattr(ExportAdapter, "write", lambda *_: os.listdir(home / "full"))
        with pytest.raises(FileNotFoundError):
            train(arguments)
    assert not (home / "adapters" / "toto").exists()
    whole = undisturbed(SAVED, steps=4)
    monkeypatch.setattr(Progress, "on_step_end", die)
    assert (train(arguments).folder / WEIGHTS).read_bytes() == whole


def test_a_run_that_dies_while_it_is_finished_is_finished_without_training_again(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die_here(adapter: Adapter) -> None:
        raise KeyboardInterrupt

    placed: list[str] = []

    def place(adapter: Adapter) -> None:
        placed.append(adapter.folder.name)

    with pytest.raises(KeyboardInterrupt):
        train(command(home), placed=place, finish=die_here)
    assert Adapter(home / "adapters" / "toto").files
    monkeypatch.setattr("pytorch_lightning.Trainer.fit", None)
    with pytest.raises(TrainingError, match="already"):
        train(command(home, "--model.seed=1"))
    adapter = train(
        command(home), placed=place, finish=lambda done: (done.folder / "found").touch()
    )
    assert (adapter.folder / "found").is_file()
    assert placed == ["toto"]
    assert not (home / "runs" / "toto").exists()
    with pytest.raises(TrainingError, match="already"):
        train(command(home))


def test_an_adapter_that_cannot_be_finished_is_not_lost(
    home: Path, command: Callable[..., list[str]]
) -> None:
    def fail(adapter: Adapter) -> None:
        raise TrainingError("no memory left")

    with pytest.raises(TrainingError, match="no memory left"):
        train(command(home), finish=fail)
    assert Adapter(home / "adapters" / "toto").files
    with pytest.raises(TrainingError, match="already"):
        train(command(home))


def test_an_adapter_that_is_not_finite_is_refused(
    home: Path, command: Callable[..., list[str]]
) -> None:
    with pytest.raises(TrainingError, match=r"--model\.lr"):
        train(command(home, "--model.lr=1e38", "--model.warmup=1", steps=6))
    assert not (home / "adapters" / "toto").exists()


@pytest.mark.parametrize("more", [(), GATHERING])
def test_the_weights_of_a_preview_change_nothing(
    home: Path,
    undisturbed: Callable[..., bytes],
    command: Callable[..., list[str]],
    more: tuple[str, ...],
) -> None:
    adapter = train(command(home, "--output.preview_every=2", *more))
    names = sorted(path.name for path in (adapter.folder / "samples").iterdir())
    assert names == ["step-00002.mp4", "step-00004.mp4"]
    assert (adapter.folder / WEIGHTS).read_bytes() == undisturbed(*more, steps=4)


def test_a_run_that_was_killed_goes_on_and_ends_bit_equal(
    home: Path, undisturbed: Callable[..., bytes], command: Callable[..., list[str]]
) -> None:
    arguments = command(home, SAVED, steps=100)
    process = subprocess.Popen(
        [sys.executable, "-m", "finetune.train", *arguments],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while not (home / "runs" / "toto" / "state.ckpt").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(random.Random(0).uniform(0, 0.3))
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (home / "adapters" / "toto").exists()
    assert (train(arguments).folder / WEIGHTS).read_bytes() == undisturbed(SAVED, steps=100)


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_bit_equal(
    home: Path, undisturbed: Callable[..., bytes], command: Callable[..., list[str]]
) -> None:
    state = home / "runs" / "toto" / "state.ckpt"
    arguments = command(home, SAVED, steps=80)
    done = subprocess.run(
        [sys.executable, "-m", "tests.finetune.killing", str(state), *arguments],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    weights = (home / "adapters" / "toto" / WEIGHTS).read_bytes()
    assert weights == undisturbed(SAVED, steps=80)


def test_two_trainings_do_not_write_into_one_folder(
    home: Path, command: Callable[..., list[str]]
) -> None:
    (home / "runs").mkdir(exist_ok=True)
    with (
        FileLock(home / "runs" / ".toto.lock"),
        pytest.raises(TrainingError, match="'toto' is being trained by another command"),
    ):
        train(command(home))
    assert not (home / "runs" / "toto").exists()
