"""Framing: how near the subject is in a photo, and which way it looks."""

from __future__ import annotations

from subjects.limits import Limits
from subjects.measures import Measures

VIEWS = ("left profile", "left", "front", "right", "right profile")
SHOTS = ("close-up", "medium shot", "wide shot")

_FRONT_DEGREES, _PROFILE_DEGREES = 25.0, 60.0
VIEWS_IN_WORDS = ("facing the camera", "three-quarter view", "in profile")


def view_of(measures: Measures) -> str | None:
    """Which way the head looks, in the words of `VIEWS`; None without a face."""
    if measures.yaw is None:
        return None
    side = "right" if measures.yaw > 0 else "left"
    return ("front", side, f"{side} profile")[_turned(measures.yaw)]


def view_in_words(measures: Measures) -> str | None:
    """The same as a caption says it, to either side; None without a face."""
    return None if measures.yaw is None else VIEWS_IN_WORDS[_turned(measures.yaw)]


def shot_of(measures: Measures, limits: Limits) -> str | None:
    """How near the subject is, in the words of `SHOTS`; None without a face."""
    if measures.face_height is None:
        return None
    share = measures.face_height / measures.height
    return SHOTS[int(share < limits.close_up) + int(share < limits.medium)]


def _turned(yaw: float) -> int:
    """0 for a head that faces the camera, 1 for one that is turned, 2 for a profile."""
    return int(abs(yaw) >= _FRONT_DEGREES) + int(abs(yaw) >= _PROFILE_DEGREES)
