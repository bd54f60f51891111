"""What the log of a subject says of files that were made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetune.adapter import Adapter
from finetune.examples import photos_digest
from subjects import Subject, note
from subjects.files import file_digest
from subjects.subject import RECORD, folder_of


def is_here(home: Path, name: str) -> bool:
    """Whether there is a subject of that name, whatever its consent says."""
    return (folder_of(home, name) / RECORD).is_file()


def is_anothers(adapter: Adapter, home: Path) -> bool:
    """Whether an adapter is of somebody else than the subject that has the same name here.

    It is not, if it lies in this home, or was trained on the photos that are here.

    Raises:
        SubjectError: if that subject cannot be read, or may not be used any more.
    """
    run = adapter.run
    name = run["subject"]["name"]
    lies_here = adapter.folder.resolve().parent == (home / "adapters").resolve()
    if lies_here or not is_here(home, name):
        return False
    return photos_digest(Subject.load(home, name)) != run["photos"]["digest"]


def note_files(home: Path, name: str, did: str, files: list[Path], **details: Any) -> None:
    """Remember which files were made of a subject, so that they can be deleted with it.

    Nothing is remembered of one that is not here.
    """
    if is_here(home, name):
        made = {str(path.resolve()): file_digest(path) for path in files}
        note(home, folder_of(home, name), did, files=made, **details)
