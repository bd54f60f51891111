"""A file that cannot be written or remembered is refused before it is made."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bases.video import write_mp4
from studio.home import StudioError
from studio.noting import note_files
from studio.places import ADAPTER, CLIP, check_file, check_folder, check_home, check_log


@pytest.fixture
def made(home: Path, tmp_path: Path) -> Path:
    """A clip that the log of the home's subject names."""
    path = tmp_path / "made.mp4"
    path.write_text("a clip")
    note_files(home, "toto", "rendered", [path])
    return path


def test_a_new_clip_one_of_ours_and_a_new_folder_will_do_and_nothing_stays(
    home: Path, tmp_path: Path, made: Path
) -> None:
    before = sorted(tmp_path.iterdir())
    for path in (made, tmp_path / "new.mp4", tmp_path / "a" / "b" / "new.MP4"):
        check_file(path, home, CLIP)
    assert sorted(tmp_path.iterdir()) == before
    assert made.read_text() == "a clip"


def test_what_was_not_made_here_or_was_changed_since_is_not_replaced(
    home: Path, tmp_path: Path, made: Path
) -> None:
    holiday = tmp_path / "holiday.mp4"
    holiday.write_text("a clip")
    made.write_text("cut by hand")
    for path in (holiday, made):
        with pytest.raises(StudioError, match="is there already, and not as something that was"):
            check_file(path, home, CLIP)


def test_a_clip_of_ours_that_no_log_knows_may_be_replaced(home: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.mp4", tmp_path / "theirs.mp4"
    for path, settings in ((ours, {"adapter": "toto"}), (theirs, {})):
        write_mp4(path, np.zeros((2, 16, 16, 3), np.uint8), fps=8, settings=settings)
    check_file(ours, home, CLIP)
    with pytest.raises(StudioError, match="theirs.mp4' is there already"):
        check_file(theirs, home, CLIP)


def test_a_link_that_leads_to_itself_is_refused(home: Path, tmp_path: Path) -> None:
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    with pytest.raises(StudioError, match="loop.mp4' cannot be written"):
        check_file(loop, home, CLIP)


def test_a_log_that_cannot_be_written_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_log(home, "toto")
    monkeypatch.setattr(os, "access", lambda path, _: path.name != "ledger.jsonl")
    with pytest.raises(StudioError, match="ledger.jsonl' cannot be written"):
        check_log(home, "toto")


@pytest.mark.parametrize("folder", ["adapters/toto", "subjects/toto/photos", "runs"])
def test_nothing_is_written_among_our_own_files(home: Path, folder: str) -> None:
    for ending in (CLIP, ADAPTER):
        with pytest.raises(StudioError, match="lies among what Starring keeps"):
            check_file(home / folder / f"x{ending}", home, ending)


@pytest.mark.parametrize(
    "name", ["clip.gif", ".mp4", "folder.mp4", "file/clip.mp4", f"{'a' * 251}.mp4", "a" * 999]
)
def test_another_place_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StudioError, match=name):
        check_file(tmp_path / name, tmp_path / "home", CLIP)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("path", ["/proc/clip.mp4", "/proc/a/clip.mp4"])
def test_a_folder_that_takes_no_file_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(StudioError, match="give --out a name in a folder where you may write"):
        check_file(Path(path), tmp_path, CLIP)
    with pytest.raises(StudioError, match="give --out a folder where you may write"):
        check_folder(Path(path).parent)
    with pytest.raises(StudioError, match="choose another folder with --home or STARRING_HOME"):
        check_home(Path(path).parent)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for check in (check_folder, check_home):
        with pytest.raises(StudioError, match=f"'{file}' cannot be written"):
            check(file)
        check(tmp_path / "new" / "deep")
    assert os.listdir(tmp_path) == ["file"]
