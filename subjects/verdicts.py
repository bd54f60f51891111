"""Verdicts: what is said of a photo, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from subjects.faces import Face
from subjects.identity import Choice
from subjects.limits import Limits
from subjects.measures import Marks, Measures
from subjects.pose import pitch_degrees

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from subjects.appearance import Appearance
    from subjects.duplicates import Fingerprint

KEEP, CARE, DROP = "keep", "care", "drop"
VERDICTS = (KEEP, CARE, DROP)


@dataclass(frozen=True)
class AuditedPhoto:
    """One photo and what is thought of it.

    Attributes:
        source: the name of the file that was given, without its folder.
        verdict: "keep", "care" (kept, with a reason for care) or "drop".
        reason: why.
        measures: None where the photo could not be read.
        file_name: the photo's name in the subject, None where it was not stored.
    """

    source: str
    verdict: str
    reason: str
    measures: Measures | None = None
    file_name: str | None = None

    def line(self) -> dict[str, Any]:
        """The photo as a line of `audit.jsonl`."""
        return {
            "source": self.source,
            "verdict": self.verdict,
            "reason": self.reason,
            "file_name": self.file_name,
            "measures": self.measures.record() if self.measures else None,
        }


@dataclass(frozen=True, eq=False)
class Seen:
    """What is remembered of a photo once its pixels are gone.

    There are `appearances` around each face, and of pets and objects the `embedding`, if an encoder
    looked.
    """

    source: str
    width: int = 0
    height: int = 0
    fingerprint: Fingerprint | None = None
    whole: Marks | None = None
    faces: list[Face] = field(default_factory=list)
    marks: list[Marks] = field(default_factory=list)
    appearances: list[Appearance] = field(default_factory=list)
    embedding: NDArray[np.float32] | None = None
    problem: str | None = None

    @property
    def light(self) -> str | None:
        """How light the picture is, in a word."""
        return self.appearances[0].light if self.appearances else None


def judge_thing(
    photo: Seen, limits: Limits, similarity: float | None = None, least: float = -1.0
) -> AuditedPhoto:
    """The verdict on a photo of a pet or an object.

    Args:
        photo: what is remembered of it.
        limits: what a photo must reach.
        similarity: cosine with the other photos; None where nothing compared them.
        least: with less, it stands apart from the others.
    """
    marks = photo.whole
    if photo.problem or marks is None:
        measures = Measures(photo.width, photo.height) if photo.width else None
        return AuditedPhoto(photo.source, DROP, photo.problem or "not measured", measures)
    bare = marks.put_into(Measures(photo.width, photo.height))
    measures = replace(bare, light=photo.light, similarity=similarity)
    if marks.blur > limits.max_picture_blur:
        reason = (
            f"blurred ({marks.blur:.2%} of the picture's side, "
            f"at most {limits.max_picture_blur:.2%} is allowed)"
        )
        return AuditedPhoto(photo.source, DROP, reason, measures)
    cares = list(_exposure_cares(marks, limits))
    if similarity is not None and similarity < least:
        cares.insert(0, f"hardly like the other photos (similarity {similarity:.2f})")
    return _kept(photo, cares, measures)


def _kept(photo: Seen, cares: list[str], measures: Measures | None) -> AuditedPhoto:
    return AuditedPhoto(photo.source, CARE if cares else KEEP, "; ".join(cares) or "good", measures)


def judge_person(photo: Seen, choice: Choice | None, limits: Limits) -> AuditedPhoto:
    """The verdict on a photo of a person, given which of its faces is most like the subject's."""
    measures = _measures(photo, choice) if photo.width else None
    if photo.problem:
        return AuditedPhoto(photo.source, DROP, photo.problem, measures)
    if choice is None:
        return AuditedPhoto(photo.source, DROP, "no face was found", measures)
    face, marks = photo.faces[choice.face], photo.marks[choice.face]
    if fault := _fault(face, marks.blur, choice, limits):
        return AuditedPhoto(photo.source, DROP, fault, measures)
    cares = [
        *_cares(face, marks.blur, choice, len(photo.faces), limits),
        *_pose_cares(face, limits),
        *_exposure_cares(marks, limits),
    ]
    return _kept(photo, cares, measures)


def _measures(photo: Seen, choice: Choice | None) -> Measures:
    if choice is None:
        return Measures(photo.width, photo.height, faces=0)
    face = photo.faces[choice.face]
    left, top, right, bottom = (float(edge) for edge in face.box)
    measures = Measures(
        width=photo.width,
        height=photo.height,
        faces=len(photo.faces),
        face_width=face.width,
        face_height=face.height,
        box=(left, top, right, bottom),
        yaw=face.yaw,
        pitch=pitch_degrees(face.landmarks),
        live=face.live,
        expression=face.expression,
        similarity=choice.similarity,
        light=photo.light,
    )
    return photo.marks[choice.face].put_into(measures)


def _fault(face: Face, blur: float, choice: Choice, limits: Limits) -> str | None:
    if not choice.same:
        return (
            f"another person (similarity {choice.similarity:.2f}, "
            f"at least {limits.same_person:.2f} is needed)"
        )
    if face.width < limits.min_face:
        return (
            f"the face is too small ({face.width:.0f} pixels wide, "
            f"at least {limits.min_face} are needed)"
        )
    if blur > limits.max_blur:
        return f"blurred ({blur:.1%} of the face's width, at most {limits.max_blur:.1%} is allowed)"
    return None


def _cares(face: Face, blur: float, choice: Choice, count: int, limits: Limits) -> Iterable[str]:
    if count > 1:
        yield f"{count} faces, the subject's is the one used"
    if choice.similarity < limits.doubtful_person:
        yield f"hardly like the other photos (similarity {choice.similarity:.2f})"
    if face.width < limits.small_face:
        yield f"a small face ({face.width:.0f} pixels wide)"
    if face.live is not None and face.live < limits.least_live:
        yield f"perhaps a picture of a print or a screen (liveness {face.live:.2f})"
    if blur > limits.soft_blur:
        yield f"a little soft ({blur:.1%} of the face's width)"


def _pose_cares(face: Face, limits: Limits) -> Iterable[str]:
    pitch = pitch_degrees(face.landmarks)
    if abs(face.yaw) > limits.most_yaw:
        yield f"turned far away ({abs(face.yaw):.0f} degrees)"
    if abs(pitch) > limits.most_pitch:
        yield f"seen from far {'below' if pitch > 0 else 'above'} ({abs(pitch):.0f} degrees)"


def _exposure_cares(marks: Marks, limits: Limits) -> Iterable[str]:
    if marks.burnt > limits.max_burnt:
        yield f"overexposed ({marks.burnt:.0%} of it is pure white)"
    elif marks.contrast < limits.min_contrast:
        yield f"hardly lit (a contrast of {marks.contrast:.0f} of 255)"
