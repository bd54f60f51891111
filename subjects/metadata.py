"""Metadata: the lines that a subject keeps of its photos, and of those it did not take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subjects.errors import StorageError
from subjects.faces import Face, Finder
from subjects.records import line_error, read_jsonl
from subjects.verdicts import VERDICTS, AuditedPhoto, Measures

if TYPE_CHECKING:
    from PIL.Image import Image

METADATA = "metadata.jsonl"


@dataclass(frozen=True)
class Photo:
    """One photo that was kept.

    Attributes:
        path: the PNG.
        caption: what it shows, beginning with the trigger word.
        verdict: "keep" or "care"; "drop" where a person has written so.
        reason: why.
        measures: what the audit measured.
    """

    path: Path
    caption: str
    verdict: str
    reason: str
    measures: Measures

    def open(self) -> Image:
        """The picture, RGB.

        Raises:
            StorageError: if it cannot be read.
        """
        from PIL import Image

        try:
            with Image.open(self.path, formats=["PNG"]) as image:
                return image.convert("RGB")
        except OSError as error:
            raise StorageError(
                f"the photo {str(self.path)!r} cannot be read ({error}); "
                f"remove its line from {METADATA}, or add the subject anew."
            ) from error

    def face(self, faces: Finder) -> Face | None:
        """The subject's own face, even where others are in the photo; None for pets and objects.

        Args:
            faces: finds it anew; what it gives is not stored.
        """
        if self.measures.box is None:
            return None
        box = np.array(self.measures.box)
        found = faces.find(np.asarray(self.open()))
        return min(found, key=lambda face: float(np.abs(face.box - box).sum()), default=None)

    def line(self) -> dict[str, Any]:
        """The photo as a line of `metadata.jsonl`."""
        return {
            "file_name": self.path.name,
            "caption": self.caption,
            "verdict": self.verdict,
            "reason": self.reason,
            "measures": self.measures.record(),
        }


def read_photos(folder: Path) -> Iterator[Photo]:
    """The photos of `metadata.jsonl` in `folder`, as a person may have edited it.

    Raises:
        StorageError: if it cannot be read or a line cannot be understood; says which.
    """
    path = folder / METADATA
    for number, row in read_jsonl(path):
        name, caption, verdict = row.get("file_name"), row.get("caption"), row.get("verdict")
        if not isinstance(name, str) or Path(name).name != name or not (folder / name).is_file():
            raise line_error(path, number, f"file_name {name!r} is no photo in that folder")
        if not isinstance(caption, str) or not caption.strip():
            raise line_error(path, number, f"caption {caption!r} must be a text")
        if verdict not in VERDICTS:
            allowed = ", ".join(VERDICTS)
            raise line_error(path, number, f"verdict {verdict!r} is none of {allowed}")
        measures = _measures(row, path, number)
        if measures is None:
            raise line_error(path, number, "measures are missing")
        yield Photo(folder / name, caption, verdict, str(row.get("reason", "")), measures)


def read_audit(path: Path) -> Iterator[AuditedPhoto]:
    """The verdicts of `audit.jsonl` at `path`.

    Raises:
        StorageError: if it cannot be read or a line cannot be understood; says which.
    """
    for number, row in read_jsonl(path):
        yield AuditedPhoto(
            source=str(row.get("source")),
            verdict=str(row.get("verdict")),
            reason=str(row.get("reason", "")),
            measures=_measures(row, path, number),
            file_name=row.get("file_name"),
        )


def _measures(row: dict[str, Any], path: Path, number: int) -> Measures | None:
    record = row.get("measures")
    if record is None:
        return None
    try:
        return Measures.of(record)
    except (TypeError, ValueError, KeyError) as error:
        raise line_error(path, number, f"measures {record!r} cannot be understood") from error
