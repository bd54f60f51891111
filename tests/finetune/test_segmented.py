"""A segmenter's outlines are kept with the photos until it is another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import finetune.data
from finetune.callbacks import Progress
from finetune.data import SubjectData
from finetune.errors import TrainingError
from finetune.train import train
from tests.finetune.test_resume import SAVED, Killed, die, stop_at
from tests.subjects.tiny_segmenters import segformer

THINGS = {0: "wall", 1: "object"}


@pytest.mark.filterwarnings("ignore")
def test_photos_are_outlined_anew_by_another_model_of_the_same_folder(
    make: Callable[..., SubjectData], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    encode = finetune.data.photo_examples
    monkeypatch.setattr(
        finetune.data, "photo_examples", lambda *a, **k: encoded.append(1) or encode(*a, **k)
    )
    folder = segformer(tmp_path / "outlines", THINGS)
    first, again = (make(segmenter=folder).material.photos for _ in range(2))
    assert len(encoded) == 1
    assert all(torch.equal(a.subject, b.subject) for a, b in zip(first, again, strict=True))
    segformer(folder, THINGS, seed=1)
    other = make(segmenter=folder).material.photos
    assert len(encoded) == 2
    assert not all(torch.equal(a.subject, b.subject) for a, b in zip(first, other, strict=True))


@pytest.mark.filterwarnings("ignore")
def test_a_stopped_run_does_not_go_on_with_another_segmenter(
    home: Path,
    command: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = segformer(tmp_path / "outlines", THINGS)
    arguments = command(home, SAVED, f"--data.segmenter={folder}", steps=6)
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_step_end", stop_at(3, die))
        with pytest.raises(Killed):
            train(arguments)
    segformer(folder, THINGS, seed=1)
    with pytest.raises(TrainingError, match="other settings: the segmenter was another"):
        train(arguments)
