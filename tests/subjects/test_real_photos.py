"""The photographs that come inside scikit-image and insightface as sample data."""

from __future__ import annotations

import shutil
from pathlib import Path

import insightface
import pytest
import skimage.data
from PIL import Image

from subjects import Subject, add_subject
from subjects.contact_sheet import write_sheet


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder = tmp_path_factory.mktemp("photographs")
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        Image.fromarray(getattr(skimage.data, name)()).save(folder / f"{name}.jpg")
    for photo in (Path(insightface.__file__).parent / "data" / "images").glob("*.jpg"):
        shutil.copy(photo, folder)
    (folder / "again.webp").touch()
    Image.open(folder / "chelsea.jpg").resize((300, 200)).save(folder / "again.webp")
    home = tmp_path_factory.mktemp("home")
    return add_subject("things", [folder], home=home, kind="object", consent=None, faces=None)


def test_photographs_are_decoded_and_judged_without_a_face_package(things: Subject) -> None:
    verdicts = {photo.source: photo for photo in things.audit}
    assert len(verdicts) >= 6
    assert verdicts["coffee.jpg"].verdict == "keep"
    twins = [verdicts["again.webp"], verdicts["chelsea.jpg"]]
    assert sorted(photo.verdict for photo in twins) == ["drop", "keep"]
    assert all(photo.measures for photo in verdicts.values())


def test_their_contact_sheet_shows_each(things: Subject) -> None:
    page, picture = write_sheet(things, None)
    assert page.read_text().count("<figure") == len(things.kept)
    assert picture.stat().st_size > 100_000
