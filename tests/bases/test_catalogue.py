"""Bases are found by name or by folder, and say how they like to be used."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bases.catalogue import BASES, Base, find_base
from bases.errors import BaseModelError, BrokenBase, UnknownBase
from bases.fingerprint import fingerprint
from tests.tiny_base import FPS, FRAMES, SIZE, STEPS, write_tiny_base


def test_every_known_base_is_found_by_its_name() -> None:
    names = [base.name for base in BASES]
    assert len(set(names)) == len(names)
    assert [find_base(name) for name in names] == list(BASES)
    assert names[0] == "pocket"


def test_a_folder_says_how_its_base_likes_to_be_used(tiny: Base) -> None:
    assert (tiny.height, tiny.width, tiny.frames, tiny.fps) == (SIZE, SIZE, FRAMES, FPS)
    assert (tiny.steps, tiny.guidance) == (STEPS, 3.0)
    assert tiny.is_here


def test_a_base_that_is_not_on_this_machine_says_so() -> None:
    assert not Base(name="none", source="nobody/has-this-model").is_here


def test_an_unknown_base_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownBase, match=r"'wan9'.*pocket.*wan2\.1-1\.3b.*folder") as caught:
        find_base("wan9")
    assert isinstance(caught.value, BaseModelError)


def test_equal_weights_have_one_fingerprint_wherever_they_lie(
    tiny_folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_folder, tmp_path / "copy")
    assert fingerprint(str(tmp_path / "copy")) == fingerprint(str(tiny_folder))


def test_other_weights_have_another_fingerprint(tiny_folder: Path, tmp_path: Path) -> None:
    other = write_tiny_base(tmp_path / "other", seed=1)
    assert fingerprint(str(other)) != fingerprint(str(tiny_folder))


def test_a_name_on_the_hub_is_its_own_fingerprint() -> None:
    names = ("Wan-AI/Wan2.1-T2V-1.3B-Diffusers", "Wan-AI/Wan2.1-T2V-14B-Diffusers")
    first, second = map(fingerprint, names)
    assert first == fingerprint(names[0])
    assert first != second
    assert len(first) == 12


@pytest.mark.parametrize("written", ["{", "[]", '{"heigth": 64}'])
def test_a_base_that_says_nonsense_of_itself_is_named(tmp_path: Path, written: str) -> None:
    (tmp_path / "starring.json").write_text(written)
    with pytest.raises(BrokenBase, match="starring.json"):
        find_base(str(tmp_path))


def test_no_name_is_no_base() -> None:
    with pytest.raises(UnknownBase, match="''"):
        find_base("")
