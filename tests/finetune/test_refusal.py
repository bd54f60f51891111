"""Settings that do not fit are refused in words, before anything is prepared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from finetune.data import SubjectData
from finetune.errors import TrainingError
from finetune.train import train


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("data.side=big", "data.side=big must be a whole number"),
        ("trainer.max_steps=1.5", "trainer.max_steps=1.5 must be a whole number"),
        ("data.pictures=null", "data.pictures=None must be a whole number"),
        ("model.lr=fast", "model.lr=fast must be a number"),
        ("model.alpha=[1, 2]", "model.alpha=[1, 2] must be a number"),
        ("data.flip=maybe", "data.flip=maybe must be true or false"),
        ("data.ratios=[a]", "data.ratios=a must be a number"),
        (
            "model.thrift.weights=int3",
            "model.thrift.weights=int3 must be one of plain, fp8, int8, nf4",
        ),
        (
            "trainer.precision=12",
            "trainer.precision=12 must be one of 64, 32, 16, transformer-engine, "
            "transformer-engine-float16, 16-true, 16-mixed, bf16-true, bf16-mixed, 32-true, "
            "64-true, bf16",
        ),
        ("model.thrift=3", "model.thrift=3 must be settings by their names"),
        ("experts=3", "experts=3 must be settings by their names"),
        ("modle.rank=3", "unrecognized arguments: --modle.rank=3"),
    ],
)
def test_a_setting_that_does_not_fit_is_told_with_what_does(
    home: Path, command: Callable[..., list[str]], setting: str, said: str
) -> None:
    with pytest.raises(TrainingError) as refused:
        train(command(home, f"--{setting}"))
    assert str(refused.value).startswith(f"A setting does not fit: {said}. 'python -m")


def test_targets_that_fit_no_layer_are_refused_before_the_photos_are_encoded(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SubjectData, "prepare_data", lambda self: pytest.fail("prepared"))
    with pytest.raises(TrainingError, match="matches none of the base's layers"):
        train(command(home, "--model.targets=nowhere"))
