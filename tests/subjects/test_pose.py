from __future__ import annotations

import cv2
import numpy as np
import pytest

from subjects.pose import HEAD, pitch_degrees


def seen(pitch: float, yaw: float, roll: float = 0.0, scale: float = 2.0) -> np.ndarray:
    """The landmarks of a head that is turned, in pixels."""
    about_x, about_y, about_z = (
        cv2.Rodrigues(np.radians(angle) * np.eye(3)[axis])[0]
        for axis, angle in enumerate((-pitch, -yaw, roll))
    )
    turned = HEAD @ (about_z @ about_x @ about_y).T
    return (scale * turned[:, :2] + (300, 200)).astype(np.float32)


@pytest.mark.parametrize("pitch", [-40, -10, 0, 25, 50])
@pytest.mark.parametrize("yaw", [-30, 0, 20])
def test_a_raised_head_is_read_whichever_way_it_is_turned(pitch: float, yaw: float) -> None:
    assert pitch_degrees(seen(pitch, yaw)) == pytest.approx(pitch, abs=0.1)


def test_who_looks_up_has_the_nose_nearer_to_the_eyes() -> None:
    up, down = seen(30, 0), seen(-30, 0)
    assert up[2, 1] - up[0, 1] < down[2, 1] - down[0, 1]
    assert pitch_degrees(up) > 0 > pitch_degrees(down)


def test_landmarks_in_one_place_are_no_error() -> None:
    assert np.isfinite(pitch_degrees(np.zeros((5, 2), np.float32)))
