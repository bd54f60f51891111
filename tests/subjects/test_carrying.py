from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subjects import (
    Consent,
    ConsentError,
    StorageError,
    Subject,
    SubjectError,
    add_subject,
    log_of,
    pack,
    unpack,
)
from tests.subjects.known_faces import KnownFaces, make_face


@pytest.fixture
def mira(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces, consent: Consent
) -> Subject:
    paths = [take(f"{i}.png", make_face(1, seed=i), seed=i) for i in range(2)]
    return add_subject("mira", paths, home=tmp_path / "here", consent=consent, faces=finder)


@pytest.fixture
def packed(tmp_path: Path, mira: Subject) -> Path:
    (mira.folder / "cache").mkdir()
    (mira.folder / "cache" / "photos.safetensors").write_bytes(b"latents")
    pack(mira, tmp_path / "mira.zip")
    return tmp_path / "mira.zip"


def repacked(path: Path, **changes: bytes | None) -> Path:
    """The archive with members replaced, added, or, where None, left out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()} | changes
    other = path.with_name("other.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, content in members.items():
            if content is not None:
                archive.writestr(name, content)
    return other


def test_a_subject_is_the_same_on_another_machine(
    tmp_path: Path, mira: Subject, packed: Path
) -> None:
    there = unpack(packed, tmp_path / "there")
    assert replace(there, folder=mira.folder, photos=()) == replace(mira, photos=())
    for own, carried in zip(mira.photos, there.photos, strict=True):
        assert carried.caption == own.caption
        assert np.array_equal(np.asarray(carried.open()), np.asarray(own.open()))
    assert [line["did"] for line in log_of(there.folder)] == ["imported"]
    assert not (there.folder / "cache").exists()
    assert there.folder.stat().st_mode & 0o777 == 0o700


def test_a_name_that_is_taken_is_refused(tmp_path: Path, packed: Path) -> None:
    unpack(packed, tmp_path / "there")
    with pytest.raises(StorageError, match="'mira' exists already"):
        unpack(packed, tmp_path / "there")


def test_a_consent_that_was_changed_or_is_over_is_refused(
    tmp_path: Path, mira: Subject, packed: Path
) -> None:
    record = (mira.folder / "subject.yaml").read_bytes()
    sly = repacked(packed, **{"subject.yaml": record.replace(b"synthetic", b"self")})
    with pytest.raises(ConsentError, match="is not as it was signed"):
        unpack(sly, tmp_path / "there")
    old = Consent("Mira", "synthetic", "2020-01-01", until="2020-12-31")
    pack(mira.renew(old, tmp_path / "here"), tmp_path / "old.zip")
    with pytest.raises(ConsentError, match="ended on 2020-12-31"):
        unpack(tmp_path / "old.zip", tmp_path / "there")
    assert not list((tmp_path / "there").rglob("*"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"../../evil.png": b"x"}, "no packed subject"),
        ({"photos/0003.exe": b"x"}, "no packed subject"),
        ({"audit.jsonl": None}, "no packed subject"),
        ({"photos/0001.png": b"no picture"}, r"'photos/0001\.png' is not a picture"),
        ({"photos/0001.png": None}, r"0001\.png' is no photo in that folder"),
        ({"subject.yaml": b"name: ../../mira"}, "cannot be a subject's name"),
        ({"subject.yaml": b"- 1"}, "must hold"),
    ],
)
def test_an_archive_that_is_anything_else_leaves_nothing(
    tmp_path: Path, packed: Path, changes: dict[str, bytes | None], said: str
) -> None:
    with pytest.raises(SubjectError, match=said):
        unpack(repacked(packed, **changes), tmp_path / "there")
    assert not list((tmp_path / "there").rglob("*"))


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "note.zip").write_text("hello")
    with pytest.raises(SubjectError, match=r"note\.zip' is no packed subject"):
        unpack(tmp_path / "note.zip", tmp_path)
