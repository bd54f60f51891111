"""Limits: what a photo must reach, and where one word ends and the next begins."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Where one word ends and the next begins; lengths in pixels, of photos of 2000 at most.

    Attributes:
        min_side: shorter sides than this are dropped.
        min_face: narrower faces are dropped; less than this holds no likeness to learn.
        small_face: narrower faces are marked with care; about what a face takes of a frame of 128.
        same_person: the cosine from which on two faces are of one person.
        doubtful_person: less alike than this is marked with care.
        max_blur: the widest blur of a face, in shares of its width.
        soft_blur: above this, a face is marked with care.
        max_picture_blur: the widest blur of a whole picture, in shares of its longer side; used
            for pets and objects.
        same_face: near-duplicates show faces at least this much alike.
        most_pitch: faces that look further up or down are marked with care, in degrees.
        most_yaw: faces that are turned further are marked with care, in degrees.
        min_contrast: faces with less are marked with care: too dark, or in fog.
        max_burnt: faces of which more is burnt white are marked with care.
        least_live: faces that look less live are marked with care; insightface's own threshold.
        close_up: a face that takes this share of the picture's height makes a close-up.
        medium: this share makes a medium shot, less a wide one.
    """

    min_side: int = 64
    min_face: int = 32
    small_face: int = 48
    same_person: float = 0.35
    doubtful_person: float = 0.45
    max_blur: float = 0.0175
    soft_blur: float = 0.014
    max_picture_blur: float = 0.006
    same_face: float = 0.8
    most_pitch: float = 35.0
    most_yaw: float = 75.0
    min_contrast: float = 30.0
    max_burnt: float = 0.3
    least_live: float = 0.8
    close_up: float = 0.35
    medium: float = 0.15


PEOPLE = Limits()
"""For photographs, and recognisers of the ArcFace kind."""

POCKET = "pocket"
"""The name of the embedded face package, which knows drawings alone."""
PUPPETS = Limits(
    same_person=0.77,
    doubtful_person=0.84,
    most_pitch=90.0,
    most_yaw=90.0,
    close_up=0.46,
    medium=0.335,
)
"""For Pocket's drawings and its face package: heads are bigger, never raised, as good in profile,
and all faces more alike."""


def limits_for(face_package: str | None) -> Limits:
    """The limits that go with a face package: `PUPPETS` for Pocket's, `PEOPLE` for any other."""
    return PUPPETS if face_package == POCKET else PEOPLE
