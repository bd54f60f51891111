"""Likeness and motion are numbers that follow what can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from bases.video import Frames
from inference.likeness import ceiling, clip_embeddings, is_nearest, likeness, motion
from subjects import Face


def unit(*numbers: float) -> np.ndarray:
    vector = np.zeros(512, np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


def face(embedding: np.ndarray, left: float = 0, size: float = 10) -> Face:
    box = np.array([left, 0, left + size, size], np.float32)
    return Face(box, np.zeros((5, 2), np.float32), 0.9, embedding, 0.0)


PHOTOS = np.stack([unit(1), unit(1)])


def moving(step: int, *, frames: int = 6, size: int = 64) -> Frames:
    """A pattern that moves `step` pixels a frame."""
    rows, columns = np.mgrid[:size, : size + 8 * frames]
    waves = 127 + 60 * np.sin(columns / 5) + 60 * np.cos(rows / 7 + columns / 11)
    shown = [waves[:, step * i : step * i + size] for i in range(frames)]
    return np.repeat(np.stack(shown)[..., None], 3, -1).astype(np.uint8)


def test_a_still_does_not_move() -> None:
    assert motion(moving(0)) < 1e-3
    assert motion(moving(0, frames=1)) == 0


def test_motion_is_a_share_of_the_height_a_frame() -> None:
    assert motion(moving(2)) == pytest.approx(2 / 64, rel=0.25)
    assert motion(moving(1)) < motion(moving(2)) < motion(moving(4))


def test_moving_to_and_fro_does_not_cancel() -> None:
    clip = moving(2, frames=3)
    assert motion(clip[[0, 1, 0, 1, 0]]) == pytest.approx(motion(clip[:2]), rel=0.2)


def test_likeness_is_the_cosine_to_the_photos() -> None:
    found = likeness([unit(1), unit(1, 1), unit(0, 1)], PHOTOS)
    assert found.median == pytest.approx(2**-0.5, abs=1e-6)
    assert (found.worst, found.worst_frame) == (pytest.approx(0, abs=1e-6), 2)
    assert found.worst <= found.p10 <= found.median
    assert found.detected == 1


def test_the_worst_frame_is_counted_among_all_frames() -> None:
    found = likeness([None, unit(1), None, unit(1, 2), unit(1)], PHOTOS)
    assert found.worst_frame == 3
    assert found.detected == pytest.approx(0.6)
    assert found.median == pytest.approx(1)


def test_faces_are_found_though_there_is_nobody_to_compare_them_with() -> None:
    assert likeness([unit(1), None], PHOTOS[:0]).detected == 0.5


@pytest.mark.parametrize("faces", [[None, None], []])
def test_a_clip_without_a_face_is_like_nobody(faces: list[None]) -> None:
    found = likeness(faces, PHOTOS)
    assert (found.median, found.worst, found.detected) == (0, 0, 0)
    assert found.worst_frame is None
    assert not is_nearest(faces, PHOTOS, PHOTOS)


def test_photos_without_a_face_have_nothing_alike() -> None:
    none = np.zeros((0, 512), np.float32)
    assert likeness([unit(1)], none).median == 0
    assert not is_nearest([unit(1)], none, PHOTOS)


def test_the_ceiling_is_what_the_photos_reach_among_themselves() -> None:
    assert ceiling(PHOTOS) == pytest.approx(1)
    assert ceiling(np.stack([unit(1), unit(1, 1)])) == pytest.approx(2**-0.5, abs=1e-6)
    assert ceiling(PHOTOS[:1]) is None


def test_nearest_is_nearer_than_anyone_in_the_gallery() -> None:
    others = np.stack([unit(0, 1), unit(1, 2)])
    assert is_nearest([unit(1, 0.1), None], PHOTOS, others)
    assert not is_nearest([unit(1, 1.9)], PHOTOS, others)
    assert not is_nearest([unit(1)], PHOTOS, PHOTOS[:1])


class Finder:
    """Finds the faces that it was given, whatever the picture."""

    def __init__(self, *faces: Face) -> None:
        self.faces = list(faces)

    def find(self, image_HW3: np.ndarray) -> list[Face]:
        return self.faces


def test_the_largest_face_of_a_frame_counts() -> None:
    finder = Finder(face(unit(1), size=20), face(unit(0, 1), size=10))
    (found,) = clip_embeddings(moving(0, frames=1), finder)
    assert np.array_equal(found, unit(1))
    assert clip_embeddings(moving(0, frames=2), Finder()) == [None, None]
