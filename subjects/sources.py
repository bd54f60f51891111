"""Sources: the single pictures that files hold: a photo, a member of a zip, a moment of a video."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Source:
    """One picture to be decoded.

    Attributes:
        path: the file.
        member: the name within a zip archive, None elsewhere.
        second: the moment of a video, None elsewhere.
        problem: why there is no picture in the file at all, None if there may be.
    """

    path: Path
    member: str | None = None
    second: float | None = None
    problem: str | None = None

    @property
    def label(self) -> str:
        """What an audit calls it: "mira.jpg", "photos.zip/mira.jpg", "clip.mp4 at 3.25 s"."""
        name = _readable(self.path.name)
        if self.member is not None:
            return f"{name}/{_readable(self.member)}"
        return name if self.second is None else f"{name} at {self.second:.2f} s"

    @property
    def place(self) -> str:
        """Where it is, with all links followed: a path, and what the label says behind it."""
        path = os.path.realpath(self.path)
        if self.member is not None:
            return os.path.join(path, self.member)
        return path if self.second is None else f"{path} at {self.second:.2f} s"

    def record(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        return {**asdict(self), "path": str(self.path)}

    @classmethod
    def of(cls, record: dict[str, Any]) -> Source:
        """The source of such a record."""
        return cls(**{**record, "path": Path(record["path"])})


def _readable(name: str) -> str:
    """A file's name without what a terminal or JSON could not show."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "�" for letter in text)
