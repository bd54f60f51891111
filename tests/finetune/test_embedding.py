"""Prompts are encoded on the GPU, or on the CPU where the text encoder does not fit."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bases.wan import Wan
from finetune.examples import Prompt, embed
from tests.conftest import CPU

WAVING = Prompt("toto, waving")


@pytest.fixture
def small_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is too small for everything."""
    load = Wan.load_text

    def on_cpu_alone(self: Wan, dtype: torch.dtype, device: torch.device) -> Any:
        if device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return load(self, dtype, device)

    monkeypatch.setattr(Wan, "load_text", on_cpu_alone)


def test_a_text_encoder_that_does_not_fit_the_gpu_encodes_on_the_cpu(
    family: Wan, small_gpu: None, caplog: pytest.LogCaptureFixture
) -> None:
    gpu = torch.device("cuda")
    told = embed([WAVING], family, [], dtype=torch.float32, device=gpu)
    assert "the CPU encodes" in caplog.text
    plain = embed([WAVING], family, [], dtype=torch.float32, device=CPU)
    for name, rows in plain[WAVING].items():
        assert torch.equal(told[WAVING][name], rows)


def test_where_the_cpu_has_no_room_either_it_ends(
    family: Wan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Wan, "load_text", run_out)
    with pytest.raises(torch.OutOfMemoryError):
        embed([WAVING], family, [], dtype=torch.float32, device=CPU)
