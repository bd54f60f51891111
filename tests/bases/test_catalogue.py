"""Bases are found by name or by folder, and say how they like to be used."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
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


def test_every_part_that_counts_is_in_a_fingerprint(tiny_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tiny_folder, copy)
    shutil.copytree(copy / "transformer", copy / "transformer_2")
    base = find_base(str(copy))
    prints = [base.fingerprint], [base.fingerprint_of_latents], [base.fingerprint_of_all]
    for part in ("transformer_2", "vae", "text_encoder"):
        with next((copy / part).glob("*.safetensors")).open("ab") as file:
            file.write(b"other")
        for known, now in zip(
            prints,
            (base.fingerprint, base.fingerprint_of_latents, base.fingerprint_of_all),
            strict=True,
        ):
            known.append(now)
    weights, latents, everything = (
        [one != other for one, other in itertools.pairwise(known)] for known in prints
    )
    assert (weights, latents) == ([True, False, False], [False, True, False])
    assert everything == [True, True, True]
    assert replace(base, steps=3).fingerprint_of_all != base.fingerprint_of_all


def test_a_name_on_the_hub_is_its_own_fingerprint() -> None:
    names = ("Wan-AI/Wan2.1-T2V-1.3B-Diffusers", "Wan-AI/Wan2.1-T2V-14B-Diffusers")
    first, second = map(fingerprint, names)
    assert first == fingerprint(names[0])
    assert first != second
    assert len(first) == 12


@pytest.mark.parametrize(
    "written",
    [
        *("{", "[]", '{"heigth": 64}', '{"height": "512"}', '{"frames": null}', '{"fps": 0}'),
        *('{"steps": 2.5}', '{"guidance": true}', '{"guidance": NaN}', '{"part": 3}'),
        *('{"question": null}', '{"source": "/elsewhere"}', '{"name": "pocket"}'),
    ],
)
def test_a_base_that_says_nonsense_of_itself_is_named(tmp_path: Path, written: str) -> None:
    (tmp_path / "starring.json").write_text(written)
    with pytest.raises(BrokenBase, match="starring.json"):
        find_base(str(tmp_path))


def test_no_name_is_no_base() -> None:
    with pytest.raises(UnknownBase, match="''"):
        find_base("")
