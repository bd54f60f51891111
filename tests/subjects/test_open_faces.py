from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from subjects import FacePackageError
from subjects.faces import FaceFinder
from subjects.open_faces import OpenFaces
from subjects.packages import licence_note, open_faces
from tests.subjects.tiny_packages import open_package, two_faces_package


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return open_package(tmp_path)


def picture(scale: int = 1) -> np.ndarray:
    """Red above green, of 64 by 64 times the scale."""
    small = np.zeros((64, 64, 3), np.uint8)
    small[..., 0] = 200
    small[..., 1] = 60
    return np.kron(small, np.ones((scale, scale, 1), np.uint8))


def test_a_face_is_where_the_detector_says(package: Path) -> None:
    (face,) = OpenFaces(package).find(picture())
    np.testing.assert_allclose(face.box, (33.6, 33.6, 65.6, 65.6), atol=0.1)
    np.testing.assert_allclose(face.landmarks[0], (46.4, 43.2), atol=0.1)
    assert face.score == pytest.approx(0.9, abs=0.01)
    assert face.embedding.shape == (128,)
    assert np.linalg.norm(face.embedding) == pytest.approx(1)


def test_faces_are_counted_without_being_embedded(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finder = OpenFaces(package)
    monkeypatch.setattr(finder, "_recogniser", None)
    assert finder.count(picture()) == 1


def test_a_large_picture_is_looked_at_small(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subjects.open_faces._LONGEST", 64)
    (face,) = OpenFaces(package).find(picture(4))
    np.testing.assert_allclose(face.box, np.array((33.6, 33.6, 65.6, 65.6)) * 4, atol=0.5)


@pytest.mark.parametrize("lacking", ["yunet", "sface"])
def test_a_file_that_is_missing_is_named(package: Path, lacking: str) -> None:
    next(package.glob(f"*{lacking}*")).unlink()
    with pytest.raises(FacePackageError, match=f"lacks 'face_.*{lacking}"):
        open_faces(package)


def test_a_damaged_file_is_named(package: Path) -> None:
    next(package.glob("*yunet*")).write_bytes(b"nothing")
    with pytest.raises(FacePackageError, match="cannot be loaded"):
        open_faces(package)


def test_a_folder_is_opened_as_the_kind_that_it_holds(package: Path, tmp_path: Path) -> None:
    assert isinstance(open_faces(package), OpenFaces)
    assert "Apache-2.0" in licence_note(package)
    (other := tmp_path / "other").mkdir()
    assert isinstance(open_faces(two_faces_package(other)), FaceFinder)
    assert "for non-commercial research alone" in licence_note(other)
