"""Photographs that come inside scikit-image and insightface: some show faces, some do not."""

from __future__ import annotations

from pathlib import Path

import insightface
import numpy as np
import pytest
import skimage.data
from PIL import Image

from subjects import SubjectError, add_subject
from subjects.plain_faces import PlainFaces

IMAGES = Path(insightface.__file__).parent / "data" / "images"


@pytest.fixture(scope="module")
def faces() -> PlainFaces:
    return PlainFaces()


@pytest.mark.parametrize("name", ["t1.jpg", "Tom_Hanks_54745.png"])
def test_a_photograph_of_people_shows_faces(faces: PlainFaces, name: str) -> None:
    assert faces.count(np.asarray(Image.open(IMAGES / name).convert("RGB"))) > 0


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket"])
def test_a_photograph_of_something_else_shows_none(faces: PlainFaces, name: str) -> None:
    assert faces.count(getattr(skimage.data, name)()) == 0


def test_a_person_among_the_photos_of_a_pet_stops_the_run(
    tmp_path: Path, faces: PlainFaces
) -> None:
    for name in ("chelsea", "astronaut"):
        Image.fromarray(getattr(skimage.data, name)()).save(tmp_path / f"{name}.png")
    paths = sorted(tmp_path.glob("*.png"))
    with pytest.raises(SubjectError, match=r"'astronaut\.png' shows a person's face.*--nobody"):
        add_subject("tom", paths, home=tmp_path, kind="pet", consent=None, faces=faces)
    assert not (tmp_path / "subjects" / "tom").exists()
