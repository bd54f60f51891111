"""Clips are H.264 files that every browser plays, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from bases.video import Frames, read_mp4, write_mp4
from tests.full_disk import full_disk

SETTINGS = {"prompt": "在海边挥手, “waving”", "seed": 7, "guidance": 3.5, "base": {"name": "tiny"}}


@pytest.fixture
def frames() -> Frames:
    """A bright square that crosses a dark ground."""
    clip = np.full((9, 48, 64, 3), 40, np.uint8)
    for index, frame in enumerate(clip):
        frame[12:36, 4 + 4 * index : 20 + 4 * index] = (220, 120, 60)
    return clip


def boxes(path: Path) -> list[bytes]:
    """The names of an MP4's top-level boxes, in order."""
    data, names, at = path.read_bytes(), [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8])
        at += size
    return names


def test_a_clip_is_h264_in_the_colours_that_browsers_play(tmp_path: Path, frames: Frames) -> None:
    write_mp4(tmp_path / "clip.mp4", frames, fps=16)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        (stream,) = container.streams
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == 16
        assert (stream.height, stream.width, stream.frames) == (48, 64, 9)


def test_colours_are_hds_and_said_to_be(tmp_path: Path) -> None:
    """A player that is not told guesses, by the clip's height or at all times."""
    red = np.full((2, 48, 64, 3), (200, 60, 30), np.uint8)
    write_mp4(tmp_path / "red.mp4", red, fps=16)
    with av.open(str(tmp_path / "red.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (1, 1)
    luma = 16 + 219 / 255 * (0.2126 * 200 + 0.7152 * 60 + 0.0722 * 30)
    assert abs(bytes(frame.planes[0])[0] - luma) <= 1
    assert np.abs(read_mp4(tmp_path / "red.mp4")[0].astype(int) - red).max() <= 3


def test_a_player_learns_all_it_needs_before_the_pictures(tmp_path: Path, frames: Frames) -> None:
    write_mp4(tmp_path / "clip.mp4", frames, fps=16)
    names = boxes(tmp_path / "clip.mp4")
    assert names[0] == b"ftyp"
    assert names.index(b"moov") < names.index(b"mdat")


def test_settings_and_pictures_come_back(tmp_path: Path, frames: Frames) -> None:
    path = tmp_path / "new" / "folder" / "clip.mp4"
    write_mp4(path, frames, fps=16, settings=SETTINGS)
    read, settings = read_mp4(path)
    assert settings == SETTINGS
    assert read.shape == frames.shape
    assert np.abs(read.astype(int) - frames).mean() < 4
    assert [entry.name for entry in path.parent.iterdir()] == ["clip.mp4"]


def test_one_frame_is_a_clip_too(tmp_path: Path, frames: Frames) -> None:
    write_mp4(tmp_path / "still.mp4", frames[:1], fps=16)
    read, settings = read_mp4(tmp_path / "still.mp4")
    assert (len(read), settings) == (1, {})


@pytest.mark.parametrize("room", [0, 1000])
def test_a_full_disk_leaves_the_older_clip_and_nothing_half_written(
    tmp_path: Path, frames: Frames, room: int
) -> None:
    path = tmp_path / "clip.mp4"
    write_mp4(path, frames, fps=16)
    older = path.read_bytes()
    noisy = np.random.default_rng(0).integers(0, 256, (9, 96, 96, 3), dtype=np.uint8)
    with full_disk(room), pytest.raises(OSError, match=r".+"):
        write_mp4(path, noisy, fps=16)
    assert path.read_bytes() == older
    assert [entry.name for entry in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_colon_in_a_name_is_no_protocol(
    tmp_path: Path, frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_mp4(Path("take:2.mp4"), frames, fps=16)
    assert read_mp4(Path("take:2.mp4"))[0].shape == frames.shape
