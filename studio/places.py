"""Whether a file can be written, found out before the work that makes it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from studio.home import StudioError


def check_clip(path: Path) -> None:
    """Make sure that a clip can be written there; nothing stays behind.

    Raises:
        StudioError: if it cannot.
    """
    if path.suffix.lower() != ".mp4":
        raise StudioError(
            f"{str(path)!r} cannot be written: a clip's name ends in .mp4, such as 'mira.mp4'; "
            "give one with --out."
        )
    try:
        if path.exists() and not path.is_file():
            raise StudioError(f"{str(path)!r} is a folder, not a clip: give --out another name.")
        there = next(p for p in path.absolute().parents if p.exists())
        with tempfile.NamedTemporaryFile(dir=there, prefix=f".{path.name}."):
            pass
    except OSError as error:
        raise StudioError(
            f"{str(path)!r} cannot be written ({error.strerror}): give --out a name in a folder "
            "where you may write."
        ) from error
