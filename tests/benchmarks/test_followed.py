"""What adapters show of what was asked is measured once, and part by part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import benchmarks.followed
from bases.pocket.shape import read_shape
from bases.wan import Wan
from benchmarks.followed import measure
from finetune.adapter import add_lora
from studio.bench.run import shape_for
from tests.conftest import CPU


class Watch:
    """Says what it is told to, and notes what it was asked for."""

    asked: list[tuple[str, float, str, str]] = []

    def __init__(self, base: str, scale: float, without: str) -> None:
        assert base == "pocket"
        self.way = (scale, without)
        self.shape, self.eyes = read_shape(shape_for(base)), "sharp"

    def digest(self, folder: Path) -> str:
        return (folder / "adapter").read_text()

    def base(self, folder: Path, asked: Any) -> list[dict[str, Any]]:
        return self._rows("base", folder, asked, acts=True, like=None)

    def adapter(self, folder: Path, asked: Any) -> list[dict[str, Any]]:
        return self._rows("adapter", folder, asked, acts=False, like=0.9)

    def true(self, folder: Path, asked: Any) -> list[dict[str, Any]]:
        return self._rows("true", folder, asked, acts=True, like=0.95)

    def _rows(self, who: str, folder: Path, asked: Any, *, acts: bool, like: float | None) -> Any:
        self.asked.append((who, *self.way, folder.name))
        return [
            {
                "action": "wave",
                "shot": "wide",
                "light": "night",
                "view": "front",
                "followed": {"action": acts, "view": True},
                "motion": 2.0 if who == "adapter" else 1.0,
                "likeness": like,
                "detected": 1.0,
            }
            for _ in range(len(asked))
        ]


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for number in (1, 2):
        (tmp_path / f"subject-{number}").mkdir()
        (tmp_path / f"subject-{number}" / "adapter").write_text("first")
    monkeypatch.setattr(Watch, "asked", [])
    monkeypatch.setattr(benchmarks.followed, "Watch", Watch)
    return tmp_path


def test_what_was_measured_is_not_measured_again(trained: Path) -> None:
    for _ in range(2):
        measure(trained, scenes=3)
    ways = ("adapter", "base", "true")
    once = [(way, 1.0, "", f"subject-{number}") for number in (1, 2) for way in ways]
    assert once == Watch.asked
    measure(trained, scenes=3, scale=0.5, individuals=(2,))
    assert Watch.asked[6:] == [("adapter", 0.5, "", "subject-2")]
    measure(trained, scenes=2, individuals=(2,))
    assert [way for way, *_ in Watch.asked[7:]] == [*ways]
    (trained / "subject-2" / "adapter").write_text("second")
    measure(trained, scenes=2, individuals=(2,))
    assert [way for way, *_ in Watch.asked[10:]] == ["adapter"]


def test_what_two_ways_leave_out_is_not_taken_for_each_other(trained: Path) -> None:
    for without in (".*attn1", ".*attn1.*"):
        measure(trained, scenes=1, without=without, individuals=(1,))
    assert [way for who, _, way, _ in Watch.asked if who == "adapter"] == [".*attn1", ".*attn1.*"]


def test_the_table_says_what_was_lost(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure(trained, scenes=3)
    table = " ".join(capsys.readouterr().out.split())
    assert "action 0% of 6 100% of 6 100% of 6" in table
    assert "likeness, wide 0.90 of 6 - 0.95 of 6" in table
    assert "frames with a face, front 100% 100% 100%" in table
    assert "likeness, night 0.90 of 6 - 0.95 of 6" in table
    assert "adapter less base: -100.0 points (-100.0 to -100.0," in table
    assert "median: 2.00" in table


def test_layers_that_are_left_out_are_the_bases_own(family: Wan) -> None:
    transformer = family.load("transformer", dtype=torch.float32, device=CPU)
    add_lora(transformer, rank=2, alpha=2.0, targets=family.lora_targets, seed=0)
    with torch.no_grad():
        for name, weight in transformer.named_parameters():
            if ".lora_B." in name:
                weight.fill_(1.0)

    def ups() -> dict[str, float]:
        weights = transformer.named_parameters()
        return {n: w.abs().sum().item() for n, w in weights if ".lora_B." in n}

    whole = ups()
    benchmarks.followed._silence(transformer, "")
    assert ups() == whole
    benchmarks.followed._silence(transformer, r".*attn2.*")
    left = {name: 0.0 if ".attn2." in name else size for name, size in whole.items()}
    assert ups() == left != whole
