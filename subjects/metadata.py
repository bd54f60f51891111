"""Metadata: the lines that a subject keeps of its photos, and of those it did not take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subjects.errors import StorageError
from subjects.faces import Face, Finder
from subjects.measures import Measures
from subjects.records import line_error, read_jsonl, shorten
from subjects.verdicts import VERDICTS, AuditedPhoto

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
        held_out: whether it is never trained on, so that clips can be measured against it.
    """

    path: Path
    caption: str
    verdict: str
    reason: str
    measures: Measures
    held_out: bool = False

    def open(self) -> Image:
        """The picture, RGB.

        Raises:
            StorageError: if it cannot be read.
        """
        from PIL import Image

        try:
            with Image.open(self.path, formats=["PNG"]) as image:
                return image.convert("RGB")
        except Exception as error:  # a damaged file can make the decoder raise almost anything
            raise StorageError(
                f"the photo {str(self.path)!r} cannot be read ({error}); "
                f"remove its line from {METADATA}, or add the subject anew."
            ) from error

    def fault(self) -> str | None:
        """What is wrong with the file, as its checksums tell; None if nothing is."""
        from PIL import Image

        try:
            with Image.open(self.path, formats=["PNG"]) as image:
                image.verify()
        except Exception as error:  # a damaged file can make the decoder raise almost anything
            return f"damaged or cut short ({error})"
        return None

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
            "held_out": self.held_out,
            "measures": self.measures.record(),
        }


def read_photos(folder: Path, path: Path | None = None) -> Iterator[Photo]:
    """The photos that lie in `folder`, by their lines, as a person may have edited them.

    Args:
        folder: where the pictures are.
        path: the file with the lines; `metadata.jsonl` beside them if None.

    Raises:
        StorageError: if it cannot be read or a line cannot be understood; says which.
    """
    path = folder / METADATA if path is None else path
    lines: dict[str, int] = {}
    for number, row in read_jsonl(path):
        name, caption = row.get("file_name"), row.get("caption")
        if not isinstance(name, str) or not _is_photo(folder, name):
            raise StorageError(
                f"{str(path)!r}, line {number}: file_name {shorten(name)} is no photo in "
                f"{str(folder)!r}; put the photo back, or remove the line."
            )
        if name in lines:
            raise line_error(
                path, number, f"file_name {shorten(name)} is on line {lines[name]} already"
            )
        lines[name] = number
        if not isinstance(caption, str) or not caption.strip():
            raise line_error(path, number, f"caption {shorten(caption)} must be a text")
        verdict = _verdict(row, path, number)
        measures = _measures(row, path, number)
        if measures is None:
            raise line_error(path, number, "measures are missing")
        held_out = row.get("held_out", False)
        if not isinstance(held_out, bool):
            raise line_error(
                path, number, f"held_out {shorten(held_out)} is neither true nor false"
            )
        reason = str(row.get("reason", ""))
        yield Photo(folder / name, caption, verdict, reason, measures, held_out)


def _is_photo(folder: Path, name: str) -> bool:
    try:
        return Path(name).name == name and (folder / name).is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def read_audit(path: Path) -> Iterator[AuditedPhoto]:
    """The verdicts of `audit.jsonl` at `path`.

    Raises:
        StorageError: if it cannot be read or a line cannot be understood; says which.
    """
    for number, row in read_jsonl(path):
        source, name = row.get("source"), row.get("file_name")
        if not isinstance(source, str):
            raise line_error(path, number, f"source {shorten(source)} must be a file's name")
        if not isinstance(name, str | None):
            raise line_error(
                path, number, f"file_name {shorten(name)} must be a file's name or null"
            )
        yield AuditedPhoto(
            source=source,
            verdict=_verdict(row, path, number),
            reason=str(row.get("reason", "")),
            measures=_measures(row, path, number),
            file_name=name,
        )


def _verdict(row: dict[str, Any], path: Path, number: int) -> str:
    verdict = row.get("verdict")
    if verdict not in VERDICTS:
        raise line_error(
            path, number, f"verdict {shorten(verdict)} is none of {', '.join(VERDICTS)}"
        )
    return str(verdict)


def _measures(row: dict[str, Any], path: Path, number: int) -> Measures | None:
    record = row.get("measures")
    if record is None:
        return None
    try:
        return Measures.of(record)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        problem = f"measures {shorten(record)} cannot be understood ({error})"
        raise line_error(path, number, problem) from error
