"""Measures: what was measured of a photo."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

_WORDS = ("expression", "light")


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
        live: how sure it is that the face itself was before the camera, in [0, 1].
        expression: what the face looks as if it felt; see `subjects.expressions.NAMES`.
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
    live: float | None = None
    expression: str | None = None
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
        box = known.pop("box", None)
        words: dict[str, Any] = {name: str(known.pop(name)) for name in _WORDS if name in known}
        numbers = {name: _number(name, value) for name, value in known.items()}
        measures = cls(**numbers, **words)
        if box is None:
            return measures
        left, top, right, bottom = (float(_number("box", edge)) for edge in box)
        return replace(measures, box=(left, top, right, bottom))


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
