"""What `starring train` says of the clip that it draws at its end."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import studio.training
from finetune.adapter import REPORT, SAMPLES, Adapter
from finetune.train import Finish
from inference.likeness import Likeness
from studio.training import train_and_measure


class KnownLikeness:
    """A yardstick that gives the same answer to every clip."""

    ceiling = 0.97

    def __init__(self, *_: object) -> None: ...

    def likeness(self, _: object) -> Likeness:
        return Likeness(median=0.81, p10=0.7, worst=0.7, worst_frame=12, detected=1.0)


class BlackRenderer:
    """A renderer that draws darkness."""

    base = SimpleNamespace(fps=16)

    def __init__(self, _: object) -> None: ...

    def adapter(self, _: object) -> nullcontext[None]:
        return nullcontext()

    def render(self, *_: object) -> np.ndarray:
        return np.zeros((17, 16, 16, 3), np.uint8)


@pytest.mark.parametrize("yardstick", [KnownLikeness, lambda *_: None])
def test_training_ends_with_a_clip_and_what_was_measured_of_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    yardstick: Callable[..., Any],
) -> None:
    person = SimpleNamespace(kind="person", called="mira, a person", folder=tmp_path)

    def trained(_: list[str], placed: Finish, finish: Finish) -> Adapter:
        placed(Adapter(tmp_path))
        finish(Adapter(tmp_path))
        return Adapter(tmp_path)

    monkeypatch.setattr(studio.training, "train", trained)
    monkeypatch.setattr(studio.training.Subject, "load", lambda *_: person)
    monkeypatch.setattr(studio.training, "Renderer", BlackRenderer)
    monkeypatch.setattr(studio.training, "yardstick_of", yardstick)
    train_and_measure("mira", base="pocket", config=None, extra=[], faces=None, home=tmp_path)
    report, said = json.loads((tmp_path / REPORT).read_text()), capsys.readouterr().out
    assert (tmp_path / SAMPLES / "sample.mp4").is_file()
    assert report["motion"] == 0
    if yardstick is KnownLikeness:
        assert "Likeness 0.81 of a ceiling of 0.97 (median over 17 frames)" in said
        assert report["likeness"]["worst_frame"] == 12
    else:
        assert "likeness" not in report
