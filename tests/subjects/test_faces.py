from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import sample_looks, sample_scenes
from bases.pocket.world.truth import face_truth
from subjects import FaceFinder, FacePackageError, faces, leave_one_out, similarity_to
from subjects.faces import yaw_degrees
from tests.subjects.known_faces import make_face
from tests.subjects.tiny_packages import shape_only, two_faces_package


def test_yaw_is_read_from_the_truth_of_drawn_heads() -> None:
    generator = torch.Generator().manual_seed(3)
    look, scene = sample_looks(200, generator), sample_scenes(200, generator, PEOPLE)
    truth = face_truth(look, scene, size=256)
    pairs = zip(truth.landmarks[:, 0].numpy(), truth.box[:, 0].numpy(), strict=True)
    read = np.array([yaw_degrees(landmarks, box) for landmarks, box in pairs])
    error = np.abs(read - torch.rad2deg(scene.yaw).numpy())
    assert np.median(error) < 2
    assert error.max() < 12


@pytest.mark.parametrize("tilt", [-30, 0, 30])
def test_a_tilted_head_has_the_same_yaw(tilt: float) -> None:
    face = make_face(1, yaw=40)
    middle = (face.box[:2] + face.box[2:]) / 2
    sin, cos = np.sin(np.radians(tilt)), np.cos(np.radians(tilt))
    turned = (face.landmarks - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
    assert yaw_degrees(turned.astype(np.float32), face.box) == pytest.approx(40, abs=1.5)


def test_landmarks_that_coincide_give_a_number() -> None:
    assert np.isfinite(yaw_degrees(np.zeros((5, 2), np.float32), np.zeros(4, np.float32)))


def test_leave_one_out_compares_each_with_the_mean_of_the_others() -> None:
    embeddings = np.stack([make_face(p, seed=s).embedding for p, s in ((1, 0), (1, 1), (2, 0))])
    others = embeddings[1] + embeddings[2]
    expected = embeddings[0] @ others / np.linalg.norm(others)
    cosines = leave_one_out(embeddings)
    assert cosines.shape == (3,)
    assert cosines[0] == pytest.approx(expected, abs=1e-5)
    assert cosines[2] < 0.2 < cosines[0]


def test_nobody_is_left_when_one_is_left_out_of_one() -> None:
    with pytest.raises(ValueError, match="1 embeddings: give at least 2"):
        leave_one_out(make_face(1).embedding[None])


def test_similarity_is_with_the_mean_of_the_references() -> None:
    references = np.stack([make_face(1, seed=s).embedding for s in range(3)])
    asked = np.stack([make_face(1, seed=9).embedding, make_face(2).embedding])
    same, other = similarity_to(asked, references)
    mean = references.mean(0)
    assert same == pytest.approx(asked[0] @ mean / np.linalg.norm(mean), abs=1e-5)
    assert other < 0.2


def test_no_reference_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 references"):
        similarity_to(make_face(1).embedding[None], np.zeros((0, 512), np.float32))


def test_a_missing_package_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FacePackageError, match="no face package at .*gone"):
        FaceFinder(tmp_path / "gone")


def test_a_folder_without_onnx_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FacePackageError, match="holds no ONNX file"):
        FaceFinder(tmp_path)


def test_a_damaged_onnx_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "detector.onnx").write_bytes(b"not a model")
    with pytest.raises(FacePackageError, match="cannot be loaded") as caught:
        FaceFinder(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_unknown_package_name_is_refused_and_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faces, "MODELS_FOLDER", tmp_path)
    with pytest.raises(FacePackageError, match="'buffalo_l' on this machine.*model.download"):
        FaceFinder("buffalo_l")


def test_a_package_without_a_detector_says_so(tmp_path: Path) -> None:
    shape_only(tmp_path / "recogniser.onnx", outputs=1, side=112)
    with pytest.raises(FacePackageError, match="has no detector"):
        FaceFinder(tmp_path)


def test_a_package_without_a_recogniser_says_so(tmp_path: Path) -> None:
    shape_only(tmp_path / "detector.onnx", outputs=9, side=64)
    with pytest.raises(FacePackageError, match="has no recogniser"):
        FaceFinder(tmp_path)


def test_a_detector_without_landmarks_is_refused(tmp_path: Path) -> None:
    shape_only(tmp_path / "detector.onnx", outputs=6, side=64)
    shape_only(tmp_path / "recogniser.onnx", outputs=1, side=112)
    with pytest.raises(FacePackageError, match="gives no landmarks"):
        FaceFinder(tmp_path)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return two_faces_package(tmp_path)


def test_faces_come_largest_first_in_the_pixels_of_the_picture(package: Path) -> None:
    found = FaceFinder(package).find(np.zeros((128, 128, 3), np.uint8))
    assert [face.score for face in found] == pytest.approx([0.9, 0.8])
    large, small = found
    np.testing.assert_allclose(large.box, [67.2, 67.2, 131.2, 131.2], atol=0.1)
    np.testing.assert_allclose(small.box, [16, 16, 48, 48], atol=0.1)
    assert (small.width, small.height) == pytest.approx((32, 32))
    assert small.landmarks.shape == (5, 2)
    assert small.yaw == pytest.approx(30, abs=1)


def test_the_recogniser_is_given_red_green_blue_and_its_answer_has_length_one(
    package: Path,
) -> None:
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[..., 0] = 255
    small = FaceFinder(package).find(picture)[1]
    assert (small.embedding.shape, small.embedding.dtype) == ((512,), np.float32)
    red, green, blue = small.embedding[:3]
    assert red > 0.4
    assert green == blue < -0.5
    assert np.linalg.norm(small.embedding) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("shape", [(2048, 1, 3), (1, 2048, 3), (64, 900, 3)])
def test_a_very_long_picture_can_be_searched(package: Path, shape: tuple[int, int, int]) -> None:
    assert len(FaceFinder(package).find(np.zeros(shape, np.uint8))) == 2


def test_a_package_may_be_given_as_text(package: Path) -> None:
    assert FaceFinder(str(package)).folder == package
