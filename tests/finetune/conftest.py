"""What tests of training share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bases.catalogue import Base
from finetune.adapter import WEIGHTS
from finetune.data import SubjectData
from finetune.train import train
from subjects import Subject

STEPS = 12
GATHERING = ("--trainer.accumulate_grad_batches=2",)


@pytest.fixture
def make(home: Path, tiny: Base) -> Callable[..., SubjectData]:
    """Prepares the data of 'toto'."""

    def prepare(**settings: Any) -> SubjectData:
        chosen = {"photos": 2, "clips": 2, "pool": 3, "ratios": (1.0,), **settings}
        data = SubjectData("toto", home, base=tiny.source, **chosen)
        data.prepare_data()
        return data

    return prepare


@pytest.fixture
def undisturbed(
    tmp_path: Path, add_to: Callable[..., Subject], command: Callable[..., list[str]]
) -> Callable[..., bytes]:
    """The weights of a run that nothing disturbed."""

    def run(*more: str, steps: int = STEPS) -> bytes:
        add_to(tmp_path / "undisturbed")
        return (
            train(command(tmp_path / "undisturbed", *more, steps=steps)).folder / WEIGHTS
        ).read_bytes()

    return run
