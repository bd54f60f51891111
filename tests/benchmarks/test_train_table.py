"""The table of full-size training steps, on a toy that has the same parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.train_table import (
    SIZES,
    WORKS,
    RandomWan,
    Work,
    _write_small,
    flops_of,
    make_batch,
    measure,
    tokens_of,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _write_small(tmp_path)
    return tmp_path


def test_a_clip_of_the_largest_has_the_published_number_of_tokens(folder: Path) -> None:
    work = WORKS["14b clips"]
    assert tokens_of(make_batch(RandomWan(folder, work.size), work)) == 32_760


def test_operations_are_counted_without_numbers(folder: Path) -> None:
    """Four a weight and token through frozen layers, two for the prompt's, which stop there."""
    work = Work("1.3b", 64, 64)
    family = RandomWan(folder, work.size)
    size, batch = SIZES["1.3b"], make_batch(family, work)
    width, tokens = 12 * 128, tokens_of(batch)
    weights = size["num_layers"] * (6 * width**2 + 2 * width * size["ffn_dim"])
    text = size["num_layers"] * 2 * width**2 * 512
    counted = flops_of(family, work, batch)
    assert counted == pytest.approx(4 * weights * tokens + 2 * text, rel=0.2)


def test_a_work_that_there_is_not_is_told_what_there_is() -> None:
    with pytest.raises(SystemExit, match="'huge' is none of 'toy'"):
        measure(["huge"])


def test_the_table_names_both_loops(capsys: pytest.CaptureFixture[str]) -> None:
    measure(["toy"], steps=1)
    printed = capsys.readouterr().out
    assert "ours" in printed
    assert "plain" in printed
    assert "not measured" in printed
