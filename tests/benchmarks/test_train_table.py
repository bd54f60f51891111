"""The table of full-size training steps, on a toy that has the same parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.random_bases import SIZES
from benchmarks.train_table import WORKS, Work, flops_of, make_batch, measure, tokens_of


def test_a_clip_of_the_largest_has_the_published_number_of_tokens(tmp_path: Path) -> None:
    work = WORKS["14b clips"]
    assert tokens_of(make_batch(SIZES[work.size].make(tmp_path), work)) == 32_760


def test_operations_are_counted_without_numbers(tmp_path: Path) -> None:
    """Four a weight and token through frozen layers, two for the prompt's, which stop there."""
    work = Work("1.3b", 64, 64)
    family = SIZES[work.size].make(tmp_path)
    size, batch = family.shape, make_batch(family, work)
    width, tokens = 12 * 128, tokens_of(batch)
    weights = size["num_layers"] * (6 * width**2 + 2 * width * size["ffn_dim"])
    text = size["num_layers"] * 2 * width**2 * 512
    counted = flops_of(family, work, batch)
    assert counted == pytest.approx(4 * weights * tokens + 2 * text, rel=0.2)


def test_a_work_that_there_is_not_is_told_what_there_is() -> None:
    with pytest.raises(SystemExit, match="'huge' is none of 'toy'"):
        measure(["huge"])


def test_asking_without_a_prompt_too_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two a weight and token."""
    work = Work("h3", 512, 512)
    family = SIZES[work.size].make(tmp_path)
    batch = make_batch(family, work)
    both = flops_of(family, work, batch)
    monkeypatch.setitem(SIZES, "h3", replace(SIZES["h3"], guidance=0.0))
    asked = both - flops_of(family, work, batch)
    width = 5376
    weights = 50 * (4 * width**2 + 3 * width * family.config("transformer")["ffn_dim"])
    assert asked == pytest.approx(2 * weights * (tokens_of(batch) + 1), rel=0.2)


@pytest.mark.parametrize("name", ["toy", "toy h3"])
def test_the_table_names_both_loops(capsys: pytest.CaptureFixture[str], name: str) -> None:
    measure([name], steps=1)
    printed = capsys.readouterr().out
    assert "ours" in printed
    assert "plain" in printed
    assert "not measured" in printed
