"""Whatever is wrong in adding a subject ends in one clear line and exit code 2."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import studio.asking
import studio.subjects
from subjects import Subject


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def wide_png() -> bytes:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0"))


def bad_photo(kind: str, photos: Path, folder: Path) -> Path:
    path = folder / f"{kind}.jpg"
    good = (photos / "0.png").read_bytes()
    if kind == "animated":
        frames = [Image.new("RGB", (300, 300), (i * 60, 0, 0)) for i in range(3)]
        frames[0].save(path, format="WEBP", save_all=True, append_images=frames[1:])
    else:
        contents = {"text": b"not a photo", "truncated": good[:2000], "wide": wide_png()}
        path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize("kind", ["text", "truncated", "wide", "animated"])
def test_a_subject_of_unreadable_photos_alone(
    refused: Callable[..., str], tmp_path: Path, photos: Path, kind: str
) -> None:
    photo = bad_photo(kind, photos, tmp_path)
    home = tmp_path / "home"
    line = refused("subject", "add", "toto", photo, "--kind", "object", "--home", home)
    assert photo.name in line
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_a_photo_that_does_not_exist(
    refused: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    home = tmp_path / "home"
    line = refused("subject", "add", "toto", tmp_path / "gone.jpg", "--kind", "pet", "--home", home)
    assert "gone.jpg" in line
    assert not home.exists()


@pytest.mark.parametrize("name", ["a/b", "../up", "", "-x y", "."])
def test_a_name_that_is_no_folders_name(
    refused: Callable[..., str], tmp_path: Path, photos: Path, name: str
) -> None:
    home = tmp_path / "home"
    line = refused("subject", "add", "--kind", "object", "--home", home, "--", name, photos)
    assert repr(name) in line
    assert not home.exists()


def test_a_subject_that_exists(refused: Callable[..., str], home: Path, photos: Path) -> None:
    before = sorted((p, p.stat().st_mtime_ns) for p in (home / "subjects").rglob("*"))
    line = refused("subject", "add", "toto", photos, "--kind", "object", "--home", home)
    assert "toto" in line
    assert "exists" in line
    assert sorted((p, p.stat().st_mtime_ns) for p in (home / "subjects").rglob("*")) == before


def test_a_real_persons_face_is_not_looked_for_by_a_package_that_knows_drawings_alone(
    refused: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    home = tmp_path / "home"
    line = refused("subject", "add", "mira", photos, "--consent", "self", "--home", home)
    assert "knows drawings alone" in line
    assert "--kind object" in line
    assert not list(home.rglob("*.png"))


def test_a_person_without_consent(
    refused: Callable[..., str],
    tmp_path: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    home = tmp_path / "home"
    assert "--consent" in refused("subject", "add", "mira", photos, "--home", home)
    line = refused("subject", "add", "mira", photos, "--consent", "maybe", "--home", home)
    assert "'maybe'" in line
    assert not list(home.rglob("*.png"))


def test_one_photo_works_and_warns(
    accepted: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    photo, home = photos / "0.png", tmp_path / "home"
    shown = accepted("subject", "add", "toto", photo, "--kind", "object", "--home", home)
    assert "1 of 1 photos" in shown
    assert "Note: " in shown
    assert f"Next: starring train toto --home {home}\n" in shown


def test_a_subject_is_called_by_the_trigger_that_was_given(
    accepted: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    words = ("--kind", "object", "--noun", "kettle", "--trigger", "zwx")
    accepted("subject", "add", "toto", photos, *words, "--home", tmp_path)
    subject = Subject.load(tmp_path, "toto")
    assert subject.called == "zwx, a kettle"
    assert all(photo.caption.startswith("zwx, a kettle") for photo in subject.photos)


def test_a_subject_without_a_usable_photo_is_not_sent_to_training(
    accepted: Callable[..., str], home: Path
) -> None:
    path = home / "subjects" / "toto" / "photos" / "metadata.jsonl"
    path.write_text(path.read_text().replace('"verdict": "keep"', '"verdict": "drop"'))
    shown = accepted("subject", "show", "toto", "--home", home)
    assert "0 of 4 photos" in shown
    assert "set verdicts to 'keep'" in shown
    assert "starring train" not in shown
    assert "keep " not in shown.split("0 of 4")[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--kind", "car"], "'car' is none of person, pet, object"),
        (["--noun", "a 1"], "'a 1'"),
        (["--trigger", "two words"], "'two words'"),
        (["--trigger", "person"], "'person' cannot be the word that calls the subject"),
        (["--faces", "nope"], "'nope'"),
        (["--faces", ""], "give --faces 'pocket'"),
        (["--home", ""], "--home"),
        (["--home", "~nobodyhere/x"], "'~nobodyhere/x'"),
    ],
)
def test_adding_is_refused_before_the_question_and_the_progress_bar(
    refused: Callable[..., str],
    tmp_path: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: list[str],
    said: str,
) -> None:
    monkeypatch.setattr(studio.asking, "ask_consent", lambda: pytest.fail("it was asked"))
    monkeypatch.setattr(studio.subjects, "tqdm", lambda **_: pytest.fail("a bar was shown"))
    home = tmp_path / "home"
    assert said in refused("subject", "add", "mira", photos, "--home", home, *wrong)
    assert not list(home.rglob("*.png"))


def test_an_existing_name_is_refused_before_the_question(
    refused: Callable[..., str], home: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio.asking, "ask_consent", lambda: pytest.fail("it was asked"))
    assert "exists" in refused("subject", "add", "toto", photos, "--home", home)


def test_an_empty_path_is_not_this_folder(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "'photos': ''" in refused("subject", "add", "mira", "", "--home", tmp_path)


def test_a_subjects_folder_without_its_record_is_named(
    refused: Callable[..., str], home: Path
) -> None:
    (home / "subjects" / "toto" / "subject.yaml").unlink()
    assert "lacks subject.yaml" in refused("subject", "show", "toto", "--home", home)
