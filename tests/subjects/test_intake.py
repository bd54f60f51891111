from __future__ import annotations

import io
import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

import subjects.intake
from subjects import PhotoError, SubjectError
from subjects.intake import Intake
from tests.subjects.known_faces import make_picture

pillow_heif.register_heif_opener()


def colours(paths: list[Path]) -> list[tuple[int, ...] | str]:
    """The middle pixel of each picture, or what is wrong with it."""
    with Intake(paths) as intake:
        found = list(intake.pictures(intake.sources))
    return [
        picture.reason if isinstance(picture, PhotoError) else picture.getpixel((20, 20))
        for picture in found
    ]


def save(path: Path, colour: str, format_: str = "PNG") -> Path:
    Image.new("RGB", (96, 80), colour).save(path, format=format_)
    return path


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def png(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, format="PNG")
    return buffer.getvalue()


def filmed(path: Path, frames: list[np.ndarray], *, fps: int = 5, rotation: int = 0) -> Path:
    with av.open(str(path), "w") as video:
        stream = video.add_stream("libx264", rate=fps, options={"crf": "12"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in frames:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            video.mux(stream.encode(frame))
        video.mux(stream.encode())
    return path


def test_pictures_come_in_the_files_order_with_what_is_wrong_in_between(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    paths = [
        save(tmp_path / "a.png", "red"),
        tmp_path / "text.jpg",
        save(tmp_path / "b.png", "blue"),
    ]
    red, wrong, blue = colours(paths)
    assert (red, blue) == ((255, 0, 0), (0, 0, 255))
    assert "not a picture" in wrong


@pytest.mark.parametrize("format_", ["HEIF", "AVIF", "WEBP"])
def test_what_phones_take_is_read(tmp_path: Path, format_: str) -> None:
    (colour,) = colours([save(tmp_path / "photo", "red", format_)])
    assert np.abs(np.subtract(colour, (255, 0, 0))).max() <= 4


def test_of_a_zip_the_photos_alone_are_read(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "photos.zip",
        {
            "holiday/b.png": png("blue"),
            "a.png": png("red"),
            "notes.txt": b"no photo",
            "__MACOSX/._a.png": b"no photo",
            ".hidden.png": b"no photo",
            "../../outside.png": png("lime"),
        },
    )
    with Intake([path]) as intake:
        labels = [source.label for source in intake.sources]
    assert labels == [
        "photos.zip/../../outside.png",
        "photos.zip/a.png",
        "photos.zip/holiday/b.png",
    ]
    outside, *inside = colours([path])
    assert "named as if it lay outside the archive" in str(outside)
    assert inside == [(255, 0, 0), (0, 0, 255)]
    assert [p.name for p in tmp_path.iterdir()] == ["photos.zip"]
    assert not (tmp_path / ".." / "outside.png").exists()


def test_a_zip_without_a_photo_or_a_broken_one_is_one_problem(tmp_path: Path) -> None:
    empty = packed(tmp_path / "empty.zip", {"notes.txt": b"no photo"})
    whole = packed(tmp_path / "whole.zip", {"a.png": png("red")}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    without, cut = colours([empty, tmp_path / "cut.zip"])
    assert "a zip archive without a photo" in without
    assert "cannot be read" in cut


def test_a_member_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    bomb = packed(tmp_path / "bomb.zip", {"a.png": bytes(51 * 2**20), "b.png": png("red")})
    assert bomb.stat().st_size < 2**20
    too_much, red = colours([bomb])
    assert "more than 50 MB unpacked" in too_much
    assert red == (255, 0, 0)


def test_a_locked_zip_says_so(tmp_path: Path) -> None:
    path = packed(tmp_path / "locked.zip", {"a.png": png("red")})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    path.write_bytes(bytes(content))
    assert "locked with a password" in colours([path])[0]


def test_of_a_video_the_sharpest_moments_are_taken_each_once(tmp_path: Path) -> None:
    scenes = [make_picture(seed) for seed in (1, 2)]
    soft = [cv2.GaussianBlur(scene, (0, 0), 4) for scene in scenes]
    path = filmed(
        tmp_path / "clip.mp4", [*[soft[0]] * 5, *[scenes[0]] * 5, *[scenes[1]] * 5, *[soft[1]] * 5]
    )
    with Intake([path]) as intake:
        pictures = [np.asarray(picture) for picture in intake.pictures(intake.sources)]
        labels = [source.label for source in intake.sources]
    sharp = [p for p in pictures if min(np.abs(p - s.astype(float)).mean() for s in scenes) < 10]
    assert len(sharp) == 2
    assert 2 <= len(pictures) <= 4
    assert labels[0].startswith("clip.mp4 at ")


def test_a_video_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    path = filmed(tmp_path / "clip.mp4", [make_picture(1)] * 5)
    (tmp_path / "cut.mp4").write_bytes(path.read_bytes()[:900])
    (tmp_path / "sham.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(50))
    for problem in colours([tmp_path / "cut.mp4", tmp_path / "sham.mp4"]):
        assert "a video" in problem


def test_a_picture_that_takes_too_long_is_given_up_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [save(tmp_path / f"{name}.png", name) for name in ("red", "blue")]
    with Intake(paths) as intake:
        monkeypatch.setattr(subjects.intake, "PICTURE_SECONDS", 0.0)
        (late,) = intake.pictures(intake.sources[:1])
        monkeypatch.setattr(subjects.intake, "PICTURE_SECONDS", 30.0)
        read = list(intake.pictures(intake.sources))
    assert isinstance(late, PhotoError)
    assert "took more than 0 s" in late.reason
    assert [picture.getpixel((0, 0)) for picture in read] == [(255, 0, 0), (0, 0, 255)]


def test_a_decoder_that_crashes_takes_one_picture_with_it(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{name}.png", name) for name in ("red", "blue", "lime")]
    with Intake(paths) as intake:
        decoder = intake._decoders.get()
        decoder._process.kill()
        decoder._process.wait()
        intake._decoders.put(decoder)
        pictures = list(intake.pictures(intake.sources))
    problems = [picture.reason for picture in pictures if isinstance(picture, PhotoError)]
    assert problems == ["damaged: the decoder crashed over it; save it anew"]


def test_too_many_pictures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects.intake, "MOST_PICTURES", 1)
    with pytest.raises(SubjectError, match="2 photos given"):
        Intake([packed(tmp_path / "two.zip", {"a.png": png("red"), "b.png": png("blue")})])
