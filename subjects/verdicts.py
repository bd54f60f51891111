"""Verdicts: what a photo must reach, and what is said of one that does not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from subjects.faces import Face
from subjects.identity import Choice
from subjects.pose import pitch_degrees

if TYPE_CHECKING:
    from subjects.appearance import Appearance
    from subjects.duplicates import Fingerprint

KEEP, CARE, DROP = "keep", "care", "drop"
VERDICTS = (KEEP, CARE, DROP)


@dataclass(frozen=True)
class Limits:
    """Where one word ends and the next begins; lengths in pixels, of photos of 2048 at most.

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
    close_up: float = 0.35
    medium: float = 0.15


PEOPLE = Limits()
"""For photographs, and recognisers of the ArcFace kind."""

POCKET = "pocket"
"""The name of the embedded face package, which knows drawings alone."""
PUPPETS = Limits(
    same_person=0.8,
    doubtful_person=0.87,
    most_pitch=90.0,
    most_yaw=90.0,
    close_up=0.46,
    medium=0.335,
)
"""For Pocket's drawings and its face package: heads are bigger, never raised, as good in profile,
and all faces more alike."""


@dataclass(frozen=True)
class Measures:
    """What was measured of one photo; None is what could not be.

    Attributes:
        width: pixels, as stored.
        height: pixels, as stored.
        faces: how many faces it shows; None for pets and objects.
        face_width: pixels, of the subject's face.
        face_height: pixels, of the subject's face.
        box: left, top, right and bottom of the subject's face in pixels.
        yaw: degrees the subject's head is turned, positive towards the picture's right.
        pitch: degrees it looks up, negative down.
        similarity: cosine with the subject's faces in the other photos.
        blur: width of the blur, in shares of the face's width, or of the picture's longer side
            where there is no face.
        contrast: between the face's dark and light parts, in [0, 255]; of the whole picture where
            there is no face.
        burnt: share of the face, or of the picture, that is as white as can be.
        light: "dark", "even" or "bright".
        clothes: photos with the same number show the same clothes.
        background: photos with the same number show the same background.
    """

    width: int
    height: int
    faces: int | None = None
    face_width: float | None = None
    face_height: float | None = None
    box: tuple[float, float, float, float] | None = None
    yaw: float | None = None
    pitch: float | None = None
    similarity: float | None = None
    blur: float | None = None
    contrast: float | None = None
    burnt: float | None = None
    light: str | None = None
    clothes: int | None = None
    background: int | None = None

    def record(self) -> dict[str, Any]:
        """The measures as JSON has them, rounded to what they are worth."""
        record = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}
        record["box"] = self.box and [round(edge, 1) for edge in self.box]
        return record

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Measures:
        """The measures of such a record; what it has beyond them is left out.

        Raises:
            TypeError, ValueError: if it is no such record.
        """
        if not isinstance(record, Mapping):
            raise TypeError(f"{record!r} is no JSON object")
        known = {f.name: record[f.name] for f in fields(cls) if record.get(f.name) is not None}
        box, light = known.pop("box", None), known.pop("light", None)
        numbers = {name: _number(name, value) for name, value in known.items()}
        measures = cls(**numbers, light=None if light is None else str(light))
        if box is None:
            return measures
        left, top, right, bottom = (float(_number("box", edge)) for edge in box)
        return replace(measures, box=(left, top, right, bottom))


def limits_for(face_package: str | None) -> Limits:
    """The limits that go with a face package: `PUPPETS` for Pocket's, `PEOPLE` for any other."""
    return PUPPETS if face_package == POCKET else PEOPLE


def _number(name: str, value: Any) -> Any:
    """The value, if JSON has it as a number that can be reckoned with."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} {value!r} is no number")
    return value


@dataclass(frozen=True)
class Marks:
    """How well a face, or a whole picture, can be seen; see `Measures`."""

    blur: float
    contrast: float
    burnt: float

    def put_into(self, measures: Measures) -> Measures:
        """Measures that hold these too."""
        blur = self.blur if math.isfinite(self.blur) else None
        return replace(measures, blur=blur, contrast=self.contrast, burnt=self.burnt)


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
    """What is remembered of a photo once its pixels are gone; `appearances` around each face."""

    source: str
    width: int = 0
    height: int = 0
    fingerprint: Fingerprint | None = None
    whole: Marks | None = None
    faces: list[Face] = field(default_factory=list)
    marks: list[Marks] = field(default_factory=list)
    appearances: list[Appearance] = field(default_factory=list)
    problem: str | None = None

    @property
    def light(self) -> str | None:
        """How light the picture is, in a word."""
        return self.appearances[0].light if self.appearances else None


def judge_thing(photo: Seen, limits: Limits) -> AuditedPhoto:
    """The verdict on a photo of a pet or an object."""
    marks = photo.whole
    if photo.problem or marks is None:
        measures = Measures(photo.width, photo.height) if photo.width else None
        return AuditedPhoto(photo.source, DROP, photo.problem or "not measured", measures)
    measures = replace(marks.put_into(Measures(photo.width, photo.height)), light=photo.light)
    if marks.blur > limits.max_picture_blur:
        reason = (
            f"blurred ({marks.blur:.2%} of the picture's side, "
            f"at most {limits.max_picture_blur:.2%} is allowed)"
        )
        return AuditedPhoto(photo.source, DROP, reason, measures)
    return _kept(photo, list(_exposure_cares(marks, limits)), measures)


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
