"""What `starring render` says beside the clip that it writes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bases.video import read_mp4
from finetune.adapter import Adapter
from finetune.sample import SAMPLE_SEED
from subjects import PUPPETS, add_subject
from tests.tiny_base import SIZE


@pytest.fixture
def home(trained: Adapter, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.folder.parents[1], tmp_path / "home"))


def test_a_clip_may_have_another_size_and_says_how_long_it_is(
    accepted: Callable[..., str], home: Path, tmp_path: Path
) -> None:
    clip, size = tmp_path / "clip.mp4", f"{2 * SIZE}x{SIZE}"
    said = accepted(
        "render", "toto", "waving", "--home", home, "--out", clip, "--size", size, "--frames", 4
    )
    assert "Note: of 4 frames this base draws 1." in said
    assert read_mp4(clip)[0].shape == (1, SIZE, 2 * SIZE, 3)


def test_motion_is_measured_where_likeness_cannot_be(
    accepted: Callable[..., str], home: Path, tmp_path: Path
) -> None:
    said = accepted("render", "toto", "waving", "--home", home, "--out", tmp_path / "clip.mp4")
    assert "Note: likeness will not be measured: 'toto' was added without an --encoder." in said
    assert "motion a frame" in said
    assert "likeness, median" not in said


def test_a_clip_of_anothers_subject_is_not_deleted_with_the_one_of_the_same_name(
    accepted: Callable[..., str], home: Path, photos: Path, tmp_path: Path
) -> None:
    theirs, clip = tmp_path / "theirs", tmp_path / "clip.mp4"
    shutil.copytree(home / "adapters" / "toto", theirs)
    exported = tmp_path / "theirs.safetensors"
    own, few = tmp_path / "own", tmp_path / "few"
    few.mkdir()
    shutil.copy(sorted(photos.iterdir())[0], few)
    add_subject("toto", [few], home=own, kind="object", consent=None, faces=None, limits=PUPPETS)

    said = accepted("render", theirs, "waving", "--home", own, "--out", clip)
    assert "this adapter learnt other photos than 'toto' has here" in said
    accepted("export", theirs, "--home", own, "--out", exported)
    accepted("subject", "delete", "toto", "--yes", "--home", own)
    assert clip.is_file()
    assert exported.is_file()


def test_a_copy_of_an_adapter_is_known_by_its_photos(
    accepted: Callable[..., str], home: Path, tmp_path: Path
) -> None:
    copy, clip = tmp_path / "copy", tmp_path / "clip.mp4"
    shutil.copytree(home / "adapters" / "toto", copy)
    assert "other photos" not in accepted(
        "render", copy, "waving", "--home", home, "--out", clip, "--seed", SAMPLE_SEED
    )
    accepted("subject", "delete", "toto", "--yes", "--home", home)
    assert not clip.exists()
