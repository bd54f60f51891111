"""A captioner is whatever model transformers opens; what it says of looks is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from subjects.captioner import Captioner, CaptionerError
from tests.subjects.tiny_captioners import WORDS, blip, llava

PICTURE = Image.new("RGB", (80, 60), (120, 60, 20))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [blip, llava])
def test_models_that_are_asked_and_models_that_are_not_describe_a_picture(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    captioner = Captioner(make(tmp_path / "model"), "person")
    said = captioner(PICTURE)
    assert said
    assert set(said.replace(",", "").split()) <= set(WORDS)
    assert captioner(PICTURE) == said


@pytest.mark.filterwarnings("ignore")
def test_looks_that_a_model_names_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captioner = Captioner(blip(tmp_path / "model"), "person")
    monkeypatch.setattr(captioner, "_answer", lambda _: "a woman with red hair, smiling")
    assert captioner(PICTURE) == "smiling"


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaptionerError, match="holds no config.json"):
        Captioner(tmp_path, "person")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("config", ["{", "{}", '{"model_type": "bert"}', '{"model_type": "nix"}'])
def test_a_model_that_does_not_describe_pictures_is_refused(tmp_path: Path, config: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(CaptionerError, match="cannot be opened as a model"):
        Captioner(tmp_path, "person")


@pytest.mark.filterwarnings("ignore")
def test_a_model_whose_weights_are_damaged_is_refused(tmp_path: Path) -> None:
    weights = blip(tmp_path) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(CaptionerError, match="cannot be opened as a model"):
        Captioner(tmp_path, "person")
    assert torch.is_grad_enabled()
