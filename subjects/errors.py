"""What can go wrong with photos and subjects.

SubjectError
├── ConsentError         nobody said whose likeness this is, or on what ground
├── PhotoError           one photo cannot be used; says which and why
├── NoUsablePhotoError   none of the photos can be used; says why for each
├── FacePackageError     the face package is missing, or lacks a part
└── StorageError         the subject's folder cannot be read or written
    └── UnknownSubjectError  there is none of that name

Every message is one line, meant for the person who typed the command.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_LISTED = 20


class SubjectError(ValueError):
    """The root: catch this to show any problem of a subject as one line."""


class ConsentError(SubjectError):
    """A person's face may not be measured without a record of consent."""


class PhotoError(SubjectError):
    """One photo cannot be used.

    Attributes:
        path: the photo.
        reason: why, without the file's name, as an audit shows it.
    """

    def __init__(self, path: Path, reason: str) -> None:
        """Put the file's name before the reason."""
        super().__init__(f"{path.name!r}: {reason}")
        self.path, self.reason = path, reason


class NoUsablePhotoError(SubjectError):
    """None of the photos can be used.

    Attributes:
        reasons: each photo's name and why it was dropped.
    """

    def __init__(self, reasons: Sequence[tuple[str, str]]) -> None:
        """List the first of the reasons."""
        listed = "; ".join(f"{source!r}: {reason}" for source, reason in reasons[:_LISTED])
        more = len(reasons) - _LISTED
        rest = f"; and {more} more" if more > 0 else ""
        super().__init__(
            f"none of {len(reasons)} photos can be used: {listed}{rest}. "
            "Add sharp photos that show the subject large enough."
        )
        self.reasons = tuple(reasons)


class FacePackageError(SubjectError):
    """The face package is missing, or lacks a part."""


class StorageError(SubjectError):
    """The subject's folder cannot be read or written."""


class UnknownSubjectError(StorageError):
    """There is no subject of that name."""
