from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subjects import (
    Consent,
    ConsentError,
    StorageError,
    Subject,
    SubjectError,
    add_subject,
    edit_subject,
    log_of,
    pack,
    unpack,
)
from subjects.seals import SEAL, digest, sealed
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
    pack(mira, tmp_path / "mira.zip", tmp_path / "here")
    return tmp_path / "mira.zip"


def repacked(path: Path, **changes: bytes | None) -> Path:
    """The archive with members replaced, added, or, where None, left out, and sealed anew."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()} | changes
    kept = {name: content for name, content in members.items() if content is not None}
    if SEAL not in changes:
        digests = {name: digest(content) for name, content in kept.items() if name != SEAL}
        kept[SEAL] = sealed(digests, path.parent / "here").encode()
    other = path.with_name("other.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, content in kept.items():
            archive.writestr(name, content)
    return other


def swapped(path: Path, **changes: bytes) -> Path:
    """The archive with members replaced or added under the seal that it had."""
    with zipfile.ZipFile(path) as archive:
        seal = archive.read(SEAL)
    return repacked(path, **{SEAL: seal, **changes})


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


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


def test_a_photo_that_a_person_put_there_is_carried_too(tmp_path: Path, mira: Subject) -> None:
    own = mira.photos[0].path.with_name("At the sea.PNG")
    lines = own.with_name("metadata.jsonl")
    mira.photos[0].path.rename(own)
    lines.write_text(lines.read_text().replace("0001.png", own.name))
    pack(Subject.load(tmp_path / "here", "mira"), tmp_path / "m.zip", tmp_path / "here")
    assert unpack(tmp_path / "m.zip", tmp_path / "there").photos[0].path.name == own.name


def test_what_could_not_be_unpacked_is_not_packed(tmp_path: Path, mira: Subject) -> None:
    lines = mira.folder / "photos" / "metadata.jsonl"
    mira.photos[0].path.rename(mira.folder / "photos" / "sea.jpg")
    said = lines.read_text()
    lines.write_text(said.replace("0001.png", "sea.jpg"))
    with pytest.raises(StorageError, match=r"'sea\.jpg' cannot be packed \(its name must end"):
        pack(Subject.load(tmp_path / "here", "mira"), tmp_path / "m.zip", tmp_path / "here")
    subject = Subject.load(tmp_path / "here", "mira")
    dropped = edit_subject(subject, home=tmp_path / "here", verdicts={"sea.jpg": "drop"})
    dropped.photos[0].path.write_bytes(b"damaged")
    sea = dropped.photos[0].path.rename(mira.folder / "photos" / "sea.png")
    lines.write_text(lines.read_text().replace("sea.jpg", "sea.png"))
    subject = Subject.load(tmp_path / "here", "mira")
    for picture, why in (
        (None, "not a picture"),
        (Image.new("RGB", (2001, 20)), "a side is longer than 2000 pixels"),
        (Image.new("RGB", (20, 20)), "animated"),
    ):
        if picture:
            more = [picture.copy()] if picture.width == 20 else []
            picture.save(sea, save_all=bool(more), append_images=[p.rotate(9) for p in more])
        with pytest.raises(StorageError, match=rf"'sea\.png' cannot be packed \({why}"):
            pack(subject, tmp_path / "m.zip", tmp_path / "here")
    assert not (tmp_path / "m.zip").exists()


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
    pack(mira.renew(old, tmp_path / "here"), tmp_path / "old.zip", tmp_path / "here")
    with pytest.raises(ConsentError, match="ended on 2020-12-31. Answer .* where it was packed"):
        unpack(tmp_path / "old.zip", tmp_path / "there")
    assert not files_in(tmp_path / "there")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"../../evil.png": b"x"}, "no packed subject"),
        ({"photos/0003.exe": b"x"}, "no packed subject"),
        ({"audit.jsonl": None}, "no packed subject"),
        ({"photos/0001.png": b"no picture"}, r"'photos/0001\.png' is not a picture"),
        ({"photos/0001.png": None}, r"0001\.png' is no photo in '"),
        ({"subject.yaml": b"name: ../../mira"}, "cannot be a subject's name"),
        ({"subject.yaml": b"- 1"}, "must hold"),
    ],
)
def test_an_archive_that_is_anything_else_leaves_nothing(
    tmp_path: Path, packed: Path, changes: dict[str, bytes | None], said: str
) -> None:
    with pytest.raises(SubjectError, match=said):
        unpack(repacked(packed, **changes), tmp_path / "there")
    assert not files_in(tmp_path / "there")


def test_a_photo_that_was_swapped_or_added_is_noticed(tmp_path: Path, packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        other = archive.read("photos/0002.png")
    for name in ("photos/0001.png", "photos/0009.png"):
        with pytest.raises(SubjectError, match=f"'{name}' is not what was exported"):
            unpack(swapped(packed, **{name: other}), tmp_path / "there")
    with pytest.raises(SubjectError, match=r"seal\.json was changed"):
        unpack(repacked(packed, **{SEAL: b'{"files": {}}'}), tmp_path / "there")
    assert not files_in(tmp_path / "there")


def test_a_file_that_is_there_is_not_written_over(
    tmp_path: Path, mira: Subject, packed: Path
) -> None:
    before = packed.read_bytes()
    with pytest.raises(StorageError, match="is there already: give another --out"):
        pack(mira, packed, tmp_path / "here")
    assert packed.read_bytes() == before


def test_a_link_is_not_followed_out_of_the_subjects_folder(tmp_path: Path, mira: Subject) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    mira.photos[0].path.unlink()
    mira.photos[0].path.symlink_to(tmp_path / "secret.txt")
    with pytest.raises(StorageError, match=r"0001\.png' is a link"):
        pack(mira, tmp_path / "leak.zip", tmp_path / "here")
    assert not (tmp_path / "leak.zip").exists()


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "note.zip").write_text("hello")
    with pytest.raises(SubjectError, match=r"note\.zip' is no packed subject"):
        unpack(tmp_path / "note.zip", tmp_path)
