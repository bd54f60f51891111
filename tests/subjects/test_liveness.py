"""Where insightface's addon is, faces that look like pictures of faces are marked with care."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from subjects import FacePackageError, faces
from subjects.audit import audit
from subjects.intake import Intake
from subjects.liveness import LiveFaces, liveness_file
from subjects.packages import open_faces
from tests.subjects.known_faces import KnownFaces, make_face
from tests.subjects.tiny_packages import liveness_addon, two_faces_package


@pytest.fixture
def addon(tmp_path: Path) -> Path:
    return liveness_addon(tmp_path / "liveness.onnx")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "package").mkdir()
    return two_faces_package(tmp_path / "package")


def test_faces_say_how_live_they_look(finder: KnownFaces, addon: Path) -> None:
    picture = np.full((600, 600, 3), 51, np.uint8)
    middle = make_face(1)
    middle = replace(middle, landmarks=middle.landmarks - middle.landmarks.mean(0) + 300)
    corner = replace(middle, landmarks=middle.landmarks - 300)
    finder.know(picture, [middle, corner])
    live = LiveFaces(finder, addon)
    found = live.find(picture)
    assert found[0].live == pytest.approx(0.2, abs=0.01)
    assert found[1].live is None  # too much of it lies outside
    assert live.count(picture) == 2


def test_a_package_is_opened_with_the_addon_or_without(package: Path, addon: Path) -> None:
    assert isinstance(open_faces(package, liveness=addon), LiveFaces)
    assert isinstance(open_faces(package), faces.FaceFinder)


def test_the_addon_is_looked_for_where_insightface_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subjects.liveness.MODELS_FOLDER", tmp_path / "models")
    assert liveness_file() is None
    (tmp_path / "addons").mkdir()
    liveness_addon(tmp_path / "addons" / "liveness.onnx")
    assert liveness_file() == tmp_path / "addons" / "liveness.onnx"


def test_an_addon_that_is_damaged_is_named(tmp_path: Path, package: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(FacePackageError, match=r"the liveness addon '.*bad\.onnx' cannot be used"):
        LiveFaces(faces.FaceFinder(package), path)


@pytest.mark.parametrize(("live", "verdict"), [(None, "keep"), (0.9, "keep"), (0.3, "care")])
def test_a_face_that_looks_printed_asks_for_care(
    take: object, finder: KnownFaces, live: float | None, verdict: str
) -> None:
    path = take("one.png", replace(make_face(1), live=live))  # type: ignore[operator]
    with Intake([path]) as intake:
        (photo,) = audit(intake, faces=finder)
    assert photo.verdict == verdict
    assert ("print or a screen (liveness 0.30)" in photo.reason) == (verdict == "care")
    assert photo.measures is not None
    assert photo.measures.live == live
