"""Likeness by how far the head is turned in each frame."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bases.video import Frames
from subjects import Finder

TURNS = ("frontal", "half turned", "profile")
_ENDS = (0.0, 20.0, 50.0, math.inf)


def head_yaws(frames: Frames, finder: Finder) -> NDArray[np.float64]:
    """Degrees that the largest face of each frame is turned, (F,); NaN where none is found.

    The finder says where a face is and which way it looks; who it is, it does not say here.
    """
    found = [finder.find(frame) for frame in frames]
    return np.array([faces[0].yaw if faces else np.nan for faces in found])


def by_turn(similar_F: NDArray[np.float32], yaws_F: NDArray[np.float64]) -> dict[str, float]:
    """The median likeness of a clip's frames by `TURNS`: to 20, to 50, and beyond; none left out.

    Args:
        similar_F: likeness in each frame.
        yaws_F: from `head_yaws`.
    """
    turned = np.abs(yaws_F)
    shown = {
        name: (turned >= low) & (turned < high)
        for name, (low, high) in zip(TURNS, pairwise(_ENDS), strict=True)
    }
    return {name: float(np.median(similar_F[now])) for name, now in shown.items() if now.any()}
