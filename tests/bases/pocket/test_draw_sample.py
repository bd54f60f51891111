"""The sample's photos: the same on every run, and never written over others."""

from __future__ import annotations

from pathlib import Path

import pytest

from bases.errors import BaseModelError
from bases.pocket.draw_sample import SCENES, draw_sample


def test_photos_are_written_the_same_again(tmp_path: Path) -> None:
    draw_sample(tmp_path, seed=2**63 - 1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    draw_sample(tmp_path, seed=2**63 - 1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert len(before) == len(SCENES)


@pytest.mark.parametrize("what", ["another individual", "no picture"])
def test_what_lies_there_is_not_written_over(tmp_path: Path, what: str) -> None:
    theirs = tmp_path / "photo-3.png"
    if what == "no picture":
        theirs.write_text("mine")
    else:
        draw_sample(tmp_path, seed=1)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(BaseModelError, match=r"photo-\d.png' is there already"):
        draw_sample(tmp_path, seed=2)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
