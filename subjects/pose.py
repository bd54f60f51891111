"""Pose: how far a head is raised or lowered, from its five landmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD = np.array(
    [(-32, 0, 0), (32, 0, 0), (0, 42, -24), (-25, 70, -4), (25, 70, -4)], dtype=np.float64
)
"""Eyes, nose and mouth's corners of an average adult's head, in millimetres: x to the picture's
right, y down, z away from the camera."""


def pitch_degrees(landmarks: NDArray[np.float32]) -> float:
    """How far a head looks up or down.

    The landmarks are taken for a scaled orthographic view of `HEAD`, which a least squares fit
    turns back (Tomasi and Kanade 1992, for one view).

    Args:
        landmarks: (5, 2) as in `Face`.

    Returns:
        degrees in [-90, 90], positive where it looks up; heads unlike an average adult's are read
        wrong by a constant.
    """
    model = HEAD - HEAD.mean(0)
    view = np.asarray(landmarks, dtype=np.float64)
    rows = np.linalg.lstsq(model, view - view.mean(0), rcond=None)[0].T
    across, down = (row / max(float(np.linalg.norm(row)), 1e-9) for row in rows)
    towards = np.cross(across, down)
    return float(np.degrees(np.arcsin(np.clip(-towards[1], -1, 1))))
