"""Where the memory runs out, the base, its weight and a remedy are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bases.catalogue import Base
from bases.errors import TooLarge
from bases.memory import fitting, weight
from bases.wan import Wan
from finetune.module import LoraModule
from finetune.train import train
from inference.render import Renderer
from tests.conftest import CPU


def run_out(*_: Any, **__: Any) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.parametrize("kind", [torch.OutOfMemoryError, MemoryError])
def test_it_ends_in_one_line(tiny: Base, kind: type[Exception]) -> None:
    with (
        pytest.raises(TooLarge, match=r"'tiny'.*do not fit.*weighs 0\.\d GB\. Take less\."),
        fitting(tiny, "Take less."),
    ):
        raise kind


def test_other_errors_pass(tiny: Base) -> None:
    with pytest.raises(RuntimeError, match="shapes"), fitting(tiny, ""):
        raise RuntimeError("shapes")


def test_the_heaviest_part_is_weighed(tmp_path: Path) -> None:
    for part, sizes in {"vae": [30], "transformer": [20, 25], "scheduler": []}.items():
        (tmp_path / part).mkdir()
        for index, size in enumerate(sizes):
            (tmp_path / part / f"{index}.safetensors").write_bytes(bytes(size))
    assert weight(tmp_path) == 45


def test_training_says_what_takes_less(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LoraModule, "_flow_error", run_out)
    with pytest.raises(TooLarge, match=r"--data\.side"):
        train(command(home))
    assert not (home / "runs" / "toto").exists()


def test_rendering_says_what_takes_less(tiny: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer(tiny, device=CPU, progress=False)
    monkeypatch.setattr(Wan, "draw", run_out)
    with pytest.raises(TooLarge, match="--frames"):
        renderer.render("a person")


def test_a_base_that_cannot_be_loaded_for_want_of_memory_is_not_called_broken(
    tiny: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wan.pipeline_class, "from_pretrained", run_out)
    with pytest.raises(TooLarge, match="smaller base"):
        Renderer(tiny, device=CPU, progress=False)
