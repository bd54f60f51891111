"""Settings that do not fit are refused before anything is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from finetune.errors import TrainingError
from finetune.train import train
from subjects import SubjectError


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("--model.rank=0", "model.rank=0 does not fit"),
        ("--model.lr=0", r"model.lr=0\.0 does not fit"),
        ("--model.lr=.nan", "model.lr=nan does not fit"),
        ("--model.shift=-1", r"model.shift=-1\.0 does not fit"),
        ("--model.clip_shift=0", r"model.clip_shift=0\.0 does not fit"),
        ("--data.photos=0", "data.photos=0 does not fit"),
        ("--data.clips=-1", r"data.clips=-1\.0 does not fit"),
        ("--data.side=0", "data.side=0 does not fit"),
        ("--data.ratios=[0]", r"data.ratios\[0\]=0\.0 does not fit"),
        ("--data.ratios=[]", "data.ratios: their number=0 does not fit"),
        ("--trainer.max_steps=0", "trainer.max_steps=0 does not fit"),
        ("--trainer.max_steps=-1", "trainer.max_steps=-1 does not fit"),
        ("--trainer.max_epochs=0", "max_epochs=0 does not fit"),
        ("--trainer.max_time=00:00:30:00", "max_time='00:00:30:00' does not fit"),
        ("--trainer.fast_dev_run=true", "fast_dev_run=True does not fit"),
        ("--trainer.overfit_batches=0.5", "overfit_batches=0.5 does not fit"),
        ("--trainer.limit_train_batches=0", "limit_train_batches=0 does not fit"),
        ("--trainer.logger=true", "logger=True does not fit"),
        ("--trainer.devices=2", "devices='2' does not fit"),
        ("--trainer.num_nodes=2", "num_nodes=2 does not fit"),
        ("--trainer.accumulate_grad_batches=0", "accumulate_grad_batches=0 does not fit"),
        ("--trainer.gradient_clip_val=.nan", "gradient_clip_val=nan does not fit"),
        ("--trainer.gradient_clip_val=-1", r"gradient_clip_val=-1 does not fit"),
        ("--trainer.enable_checkpointing=true", "enable_checkpointing=True does not fit"),
        ("--trainer.limit_train_batches=0.001", "trainer.limit_train_batches=0.001 does not fit"),
        ("--model.seed=99999999999999999999", "model.seed=9+ does not fit"),
        ("--data.clips=1e30", r"data.clips=1e\+30 does not fit"),
        ("--output.save_every=0", "output.save_every=0 does not fit"),
        ("--trainer.precision=bf16-true", "precision='bf16-true' does not fit"),
        ("--trainer.precision=64", "precision=64 does not fit"),
        ("--model.targets=(", "targets='\\(' is no regular expression"),
        ("--model.training_adapter=/nowhere/a.safetensors", "there is no such file"),
    ],
)
@pytest.mark.filterwarnings("ignore:Starting from v1.9.0, `tensorboardX`")
def test_a_setting_that_does_not_fit_is_refused_before_anything_is_done(
    home: Path, command: Callable[..., list[str]], setting: str, named: str
) -> None:
    before = sorted(home.rglob("*"))
    with pytest.raises(TrainingError, match=named):
        train(command(home, setting))
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize("name", ["../../evil", "", "a/b", "/tmp/precious", "."])
def test_an_output_stays_among_the_adapters(
    home: Path, command: Callable[..., list[str]], name: str
) -> None:
    before = sorted(home.parent.rglob("*"))
    with pytest.raises(SubjectError, match="cannot be a subject's name"):
        train(command(home, f"--output.name={name}", "--output.force=true"))
    assert sorted(home.parent.rglob("*")) == before


def test_a_training_that_could_not_start_leaves_nothing_behind(
    home: Path, command: Callable[..., list[str]]
) -> None:
    photo = next((home / "subjects" / "toto" / "photos").glob("*.png"))
    photo.write_bytes(photo.read_bytes()[:300])
    with pytest.raises(ValueError, match=photo.name):
        train(command(home))
    assert not (home / "runs" / "toto").exists()


@pytest.mark.parametrize("targets", [".*attn1.*", "patch_embedding"])
def test_layers_that_are_not_linear_are_refused(
    home: Path, command: Callable[..., list[str]], targets: str
) -> None:
    with pytest.raises(TrainingError, match="no linear layer"):
        train(command(home, f"--model.targets={targets}"))
