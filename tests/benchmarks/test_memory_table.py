"""What training takes is counted for bases of full size, and the catalogue says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from bases.catalogue import BASES, find_base
from benchmarks.full_size import FULL_SIZES, full_size, prompt_of
from benchmarks.memory_table import budget_of, count, span_of

WITH_CONNECTORS = ("ltx-2.3", "ltx-2.5")
"""Whose published size counts what stands between their text encoder and their transformer."""


def test_every_base_that_is_known_has_a_full_size() -> None:
    assert {*FULL_SIZES, "minimax-h3-ref", "pocket", "pocket-64"} == {base.name for base in BASES}


@pytest.mark.parametrize("name", [name for name in FULL_SIZES if name not in WITH_CONNECTORS])
def test_a_full_size_is_as_large_as_its_name_says(name: str, tmp_path: Path) -> None:
    family = full_size(name, tmp_path)
    numbers = sum(weight.numel() for weight in family.shell(family.part).parameters())
    said = re.search(r"([\d.]+)B$", find_base(name).size)
    assert said is not None
    assert numbers / 1e9 == pytest.approx(float(said[1]), rel=0.16)


def test_masks_are_told_from_words() -> None:
    prompt = prompt_of("mochi-1")
    assert prompt["encoder_attention_mask"].dtype == torch.bool
    assert prompt["encoder_hidden_states"].shape == (1, 256, 4096)


@pytest.mark.parametrize("name", ["wan2.1-1.3b", "cogvideox-2b"])
def test_the_catalogue_says_what_is_counted(name: str) -> None:
    photos, clips = (span_of(budget_of(name, clips=clips)).split()[0] for clips in (False, True))
    assert find_base(name).needs == f"a GPU: {photos} GB at least, {clips} with clips; counted"


def test_a_base_that_there_is_not_is_told_what_there_is() -> None:
    with pytest.raises(SystemExit, match="'huge' is none of wan2.1-1.3b, "):
        count(["huge"])
