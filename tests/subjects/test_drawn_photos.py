"""The whole way from drawn photos to a subject, with the face package that Pocket ships."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import film, sample_looks, sample_scenes
from bases.pocket.world.truth import face_truth
from subjects import (
    PUPPETS,
    Consent,
    FaceFinder,
    Subject,
    add_subject,
    leave_one_out,
    similarity_to,
)

PACKAGE = Path(__file__).parents[2] / "bases/pocket/weights/faces"

pytestmark = pytest.mark.skipif(
    not (PACKAGE / "recogniser.onnx").is_file(), reason="Pocket's face package is not there yet"
)


def draw(seed: int, count: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Photos (N, 256, 256, 3) of one individual, the boxes of its faces, and its shots."""
    generator = torch.Generator().manual_seed(seed)
    look, scene = sample_looks(1, generator), sample_scenes(count, generator, PEOPLE)
    look = look[[0] * count]
    pictures = film(look, scene, size=256)[:, :, 0].permute(0, 2, 3, 1)
    boxes = face_truth(look, scene, size=256).box[:, 0].numpy()
    shots = [("close-up", "medium shot", "wide shot")[shot] for shot in scene.shot]
    return ((pictures + 1) * 127.5).round().to(torch.uint8).numpy(), boxes, shots


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """8 good photos, 2 of another individual, a blurred one and one saved twice."""
    folder = tmp_path_factory.mktemp("drawn")
    own, boxes, _ = draw(21, 9)
    other, _, _ = draw(22, 2)
    for i, picture in enumerate(own[:8]):
        Image.fromarray(picture).save(folder / f"own{i}.png")
    for i, picture in enumerate(other):
        Image.fromarray(picture).save(folder / f"other{i}.png")
    soft = cv2.GaussianBlur(own[8], (0, 0), 0.04 * float(boxes[8, 2] - boxes[8, 0]))
    Image.fromarray(soft).save(folder / "soft.png")
    small = Image.fromarray(own[3]).resize((200, 200))
    small.save(folder / "own3-again.jpg", quality=80)
    consent = Consent("nobody: a drawing", "synthetic", "2025-01-31")
    finder = FaceFinder(PACKAGE)
    home = tmp_path_factory.mktemp("home")
    return add_subject("mira", [folder], home=home, consent=consent, faces=finder, limits=PUPPETS)


def test_planted_faults_are_found_and_good_photos_kept(subject: Subject) -> None:
    reasons = {photo.source: photo.reason for photo in subject.audit if photo.verdict == "drop"}
    assert sorted(reasons) == ["other0.png", "other1.png", "own3-again.jpg", "soft.png"]
    assert reasons["other0.png"].startswith("another person")
    assert reasons["other1.png"].startswith("another person")
    assert reasons["own3-again.jpg"] == "near-duplicate of 'own3.png', which is kept"
    assert reasons["soft.png"].startswith("blurred")


def test_shots_are_named_as_they_were_drawn(subject: Subject) -> None:
    named = [photo.caption.split(", ")[2] for photo in subject.kept]
    assert named == draw(21, 9)[2][:8]


def test_the_subjects_photos_are_alike_and_a_stranger_is_not(subject: Subject) -> None:
    finder = FaceFinder(PACKAGE)
    own = subject.face_embeddings(finder)
    assert own.shape == (8, 512)
    stranger = finder.find(draw(22, 1)[0][0])[0].embedding
    assert np.median(leave_one_out(own)) > PUPPETS.doubtful_person
    assert similarity_to(stranger[None], own)[0] < PUPPETS.same_person
