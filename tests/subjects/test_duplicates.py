from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import film, sample_looks, sample_scenes
from subjects.duplicates import Fingerprint, are_near_duplicates


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """30 drawn photos of one individual, (N, 256, 256, 3)."""
    generator = torch.Generator().manual_seed(8)
    look, scene = sample_looks(1, generator), sample_scenes(30, generator, PEOPLE)
    pictures = film(look[[0] * 30], scene, size=256)[:, :, 0].permute(0, 2, 3, 1)
    return ((pictures + 1) * 127.5).round().to(torch.uint8).numpy()


def as_jpeg(picture: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="JPEG", quality=60)
    return np.asarray(Image.open(buffer))


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    return are_near_duplicates(Fingerprint.of(one), Fingerprint.of(other))


@pytest.mark.parametrize(
    "change",
    [
        as_jpeg,
        lambda p: cv2.resize(p, (150, 150), interpolation=cv2.INTER_AREA),
        lambda p: cv2.GaussianBlur(p, (0, 0), 3),
        lambda p: np.clip(p * 1.08 + 4, 0, 255).astype(np.uint8),
        lambda p: p[3:-3, 3:-3].copy(),
    ],
    ids=["jpeg", "smaller", "softer", "brighter", "cropped"],
)
def test_a_picture_saved_anew_is_a_near_duplicate(drawn: np.ndarray, change: object) -> None:
    assert np.mean([alike(picture, change(picture)) for picture in drawn]) >= 0.95


def test_other_photos_of_the_same_individual_are_not(drawn: np.ndarray) -> None:
    pairs = [alike(drawn[i], drawn[j]) for i in range(30) for j in range(i)]
    assert np.mean(pairs) <= 0.005


def test_the_same_drawing_in_other_colours_is_not() -> None:
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    picture[16:48, 16:48] = (200, 40, 40)
    assert alike(picture, picture)
    assert not alike(picture, picture[:, :, ::-1].copy())


def test_a_blank_picture_has_a_fingerprint() -> None:
    assert np.isfinite(Fingerprint.of(np.full((64, 64, 3), 7, dtype=np.uint8)).colours).all()
