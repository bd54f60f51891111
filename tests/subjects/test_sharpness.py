from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import film, sample_looks, sample_scenes
from bases.pocket.world.truth import face_truth
from subjects import Limits
from subjects.sharpness import face_blur, picture_blur


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """40 drawn photos (N, 256, 256, 3) and the boxes of their faces."""
    generator = torch.Generator().manual_seed(5)
    look, scene = sample_looks(40, generator), sample_scenes(40, generator, PEOPLE)
    pictures = film(look, scene, size=256)[:, :, 0].permute(0, 2, 3, 1)
    boxes = face_truth(look, scene, size=256).box[:, 0].numpy()
    return ((pictures + 1) * 127.5).round().to(torch.uint8).numpy(), boxes


def test_flat_drawings_with_ink_outlines_are_not_called_blurred(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    blurs = [face_blur(picture, box) for picture, box in zip(*drawn, strict=True)]
    assert max(blurs) < Limits().soft_blur


def test_a_blur_of_4_percent_of_the_face_is_found(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    blurs = [
        face_blur(cv2.GaussianBlur(picture, (0, 0), 0.04 * (box[2] - box[0])), box)
        for picture, box in zip(*drawn, strict=True)
    ]
    assert np.mean(np.array(blurs) > Limits().max_blur) >= 0.98


def test_the_measure_is_the_blur_that_was_applied(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    medians = [
        np.median(
            [
                face_blur(cv2.GaussianBlur(picture, (0, 0), share * (box[2] - box[0])), box)
                for picture, box in zip(*drawn, strict=True)
            ]
        )
        for share in (0.02, 0.03)
    ]
    assert medians == pytest.approx([0.013, 0.019], abs=0.003)


def test_light_and_contrast_do_not_matter(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    picture, box = drawn[0][0], drawn[1][0]
    soft = cv2.GaussianBlur(picture, (0, 0), 0.03 * (box[2] - box[0]))
    dim = (soft * 0.5).astype(np.uint8)
    assert face_blur(dim, box) == pytest.approx(face_blur(soft, box), abs=0.002)


def test_a_soft_background_does_not_blur_the_picture() -> None:
    picture = np.full((256, 256, 3), 90, dtype=np.uint8)
    picture[96:160, 96:160] = np.indices((64, 64)).sum(0)[..., None] // 8 % 2 * 200
    assert picture_blur(picture) < Limits().max_picture_blur
    assert picture_blur(cv2.GaussianBlur(picture, (0, 0), 4)) > Limits().max_picture_blur


def test_a_box_outside_the_picture_is_not_sharp() -> None:
    picture = np.zeros((64, 64, 3), dtype=np.uint8)
    assert face_blur(picture, np.array([70, 70, 90, 90], dtype=np.float32)) == float("inf")
