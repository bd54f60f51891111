"""A clip that cannot be written is refused before it is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.home import StudioError
from studio.places import check_clip


def test_a_new_clip_an_old_one_and_a_new_folder_will_do_and_nothing_stays(tmp_path: Path) -> None:
    old = tmp_path / "old.mp4"
    old.write_text("a clip")
    for path in (old, tmp_path / "new.mp4", tmp_path / "a" / "b" / "new.MP4"):
        check_clip(path)
    assert list(tmp_path.iterdir()) == [old]
    assert old.read_text() == "a clip"


@pytest.mark.parametrize(
    "name", ["clip.gif", ".mp4", "folder.mp4", "file/clip.mp4", f"{'a' * 251}.mp4", "a" * 999]
)
def test_another_place_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(StudioError, match=name):
        check_clip(tmp_path / name)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
@pytest.mark.parametrize("path", ["/proc/clip.mp4", "/proc/a/clip.mp4"])
def test_a_folder_that_takes_no_file_is_refused(path: str) -> None:
    with pytest.raises(StudioError, match="give --out a name in a folder where you may write"):
        check_clip(Path(path))
