"""All of Pocket trained in one go, at toy size and on the CPU."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bases.errors import BaseModelError
from bases.hub import open_base
from bases.pocket.lessons import Contrasts
from bases.pocket.train_on_gpu import train_on_gpu
from inference.clip import Clip
from inference.render import Renderer
from tests.tiny_pocket import TINY

_MOMENT = 0.01
"""Minutes."""


def _train(out: Path) -> None:
    minutes = ("text_minutes", "vae_minutes", "transformer_minutes", "guidance_minutes")
    few = Contrasts(expressions=2, expression_clips=1, views=2, actions=1)
    counts = {
        "stills": 4,
        "clips": 2,
        "contrasts": few,
        "guided": few,
        "makers": 1,
        "drawings": 8,
        "pool": 8,
    }
    train_on_gpu(TINY, out, compiled=False, **dict.fromkeys(minutes, _MOMENT), **counts)


@pytest.mark.filterwarnings("ignore:Mismatch dtype")
def test_one_command_trains_a_base_that_renders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bases.pocket.train_on_gpu._the_gpu", lambda: torch.device("cpu"))
    _train(tmp_path)
    for part in ("text", "vae", "transformer", "guidance"):
        assert (tmp_path / part / "state.pt").is_file(), part
    folder = tmp_path / "guidance" / "pocket"
    assert json.loads((folder / "starring.json").read_text())["frames"] == TINY.frames
    renderer = Renderer(open_base(str(folder)), progress=False)
    clip = renderer.render("a person waving", Clip(steps=2))
    assert clip.shape == (TINY.frames, TINY.size, TINY.size, 3)


def test_a_machine_without_a_gpu_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(BaseModelError, match="one part after the other"):
        _train(tmp_path)
