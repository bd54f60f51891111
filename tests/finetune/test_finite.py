"""A training that leaves the numbers stops, says where, and keeps what it had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor

from finetune.adapter import WEIGHTS
from finetune.batches import Batch
from finetune.callbacks import StopUnlessFinite
from finetune.errors import TrainingError
from finetune.module import LoraModule
from finetune.train import train

ERRORS = LoraModule._errors


def no_number(loss: Tensor) -> Tensor:
    return loss * float("nan")


def no_slope(loss: Tensor) -> Tensor:
    return loss + (loss * 0).sqrt()


def spoil(monkeypatch: pytest.MonkeyPatch, step: int, name: str, how: Any) -> None:
    def spoilt(
        self: LoraModule, batch: Batch, key: list[int]
    ) -> Iterator[tuple[str, float, Tensor]]:
        for called, weight, loss in ERRORS(self, batch, key):
            at_once = (batch.number, called) == (step - 1, name)
            yield called, weight, how(loss) if at_once else loss

    monkeypatch.setattr(LoraModule, "_errors", spoilt)


@pytest.mark.parametrize("how", [no_number, no_slope])
def test_it_stops_before_the_step_and_goes_on_from_the_state_before(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch, how: Any
) -> None:
    arguments = command(home, "--output.save_every=2", steps=6)
    spoil(monkeypatch, 5, "photos", how)
    with pytest.raises(TrainingError, match=r"At step 5 .*'photos'.*'toto, .*state\.ckpt"):
        train(arguments)
    assert not (home / "adapters" / "toto").exists()
    state = torch.load(home / "runs" / "toto" / "state.ckpt", weights_only=True)
    assert state["global_step"] == 4
    assert all(weight.isfinite().all() for weight in state["state_dict"].values())
    monkeypatch.setattr(LoraModule, "_errors", ERRORS)
    went_on = (train(arguments).folder / WEIGHTS).read_bytes()
    anew = train([*arguments, "--output.force=true"])
    assert (anew.folder / WEIGHTS).read_bytes() == went_on


def test_the_batch_that_has_no_loss_is_named_and_no_other(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 1, "clips", no_number)
    with pytest.raises(TrainingError, match="'clips'.*No state had been saved") as caught:
        train(command(home))
    assert "toto" not in str(caught.value)
    assert not (home / "runs" / "toto").exists()


def test_a_change_of_others_is_blamed_on_the_batch_that_it_was_seen_in(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 1, "prior of photos", no_number)
    with pytest.raises(TrainingError, match="in the batch 'photos' of"):
        train(command(home, "--model.prior_weight=0.3", "--data.dropout=0"))


def test_of_batches_that_are_learnt_together_the_bad_one_is_named(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 3, "clips", no_number)  # the first of the second step's two
    with pytest.raises(TrainingError, match="At step 2 the loss .* in the batch 'clips' of") as bad:
        train(command(home, "--trainer.accumulate_grad_batches=2"))
    assert "toto" not in str(bad.value)


@pytest.mark.parametrize(
    ("precision", "scale", "stops"),
    [("16-mixed", 2.0**16, False), ("16-mixed", 1.0, True), ("bf16-mixed", None, True)],
)
def test_a_gradient_may_overflow_as_long_as_a_scaler_can_try_a_smaller_scale(
    precision: Any, scale: float | None, stops: bool
) -> None:
    plugin = MixedPrecision(precision, "cpu")
    if scale is not None:
        plugin.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    module: Any = torch.nn.Linear(2, 2)
    module.weight.grad = torch.full((2, 2), float("inf"))
    trainer: Any = SimpleNamespace(precision_plugin=plugin, global_step=0)
    callback = StopUnlessFinite(Path("state.ckpt"))
    with pytest.raises(TrainingError, match="gradient is no number") if stops else nullcontext():
        callback.on_before_optimizer_step(trainer, module, torch.optim.SGD(module.parameters()))


def test_of_a_gradient_alone_every_batch_is_named(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, 1, "clips", no_slope)
    with pytest.raises(TrainingError, match="gradient is no number.*'photos' and 'clips'"):
        train(command(home))
