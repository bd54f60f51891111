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
        ("--model.rank=0", "rank 0 does not fit"),
        ("--model.lr=0", r"lr 0\.0 does not fit"),
        ("--model.lr=.nan", "lr nan does not fit"),
        ("--model.shift=-1", r"shift -1\.0 does not fit"),
        ("--model.clip_shift=0", r"clip_shift 0\.0 does not fit"),
        ("--data.photos=0", "photos 0 does not fit"),
        ("--data.clips=-1", r"clips -1\.0 does not fit"),
        ("--data.side=0", "side 0 does not fit"),
        ("--data.ratios=[0]", r"ratios\[0\] 0\.0 does not fit"),
        ("--data.ratios=[]", "number of ratios 0 does not fit"),
        ("--trainer.max_steps=0", "max_steps 0 does not fit"),
        ("--trainer.max_steps=-1", "max_steps -1 does not fit"),
        ("--output.save_every=0", "save_every 0 does not fit"),
        ("--trainer.precision=bf16-true", "precision='bf16-true' does not fit"),
        ("--trainer.precision=64", "precision='64-true' does not fit"),
        ("--model.targets=(", "targets='\\(' is no regular expression"),
        ("--model.training_adapter=/nowhere/a.safetensors", "there is no such file"),
    ],
)
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
