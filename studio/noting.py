"""What the log of a subject says of files that were made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from subjects import note
from subjects.files import file_digest
from subjects.subject import RECORD, folder_of


def is_here(home: Path, name: str) -> bool:
    """Whether there is a subject of that name, whatever its consent says."""
    return (folder_of(home, name) / RECORD).is_file()


def note_files(home: Path, name: str, did: str, files: list[Path], **details: Any) -> None:
    """Remember which files were made of a subject, so that they can be deleted with it.

    Nothing is remembered of one that is not here.
    """
    if is_here(home, name):
        made = {str(path.resolve()): file_digest(path) for path in files}
        note(home, folder_of(home, name), did, files=made, **details)
