"""Carrying: a subject packed into one file, and unpacked on another machine.

The file holds the photos, what is said of them, and the signed consent; not the latents, the
adapters or the log. Nothing in it is trusted: photos are decoded anew, and the consent must be as
it was signed.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from pathlib import Path

from subjects.archives import read_member
from subjects.drafts import built_beside, exists_error, storage_error
from subjects.errors import PhotoError, StorageError, SubjectError
from subjects.intake import Intake
from subjects.ledger import note
from subjects.metadata import METADATA
from subjects.privacy import private_folder
from subjects.records import read_yaml
from subjects.sources import Source
from subjects.subject import AUDIT, PHOTOS, RECORD, Subject, folder_of

_TEXTS = (RECORD, AUDIT, f"{PHOTOS}/{METADATA}")
_PHOTO = re.compile(rf"{PHOTOS}/\d{{4}}\.png")


def pack(subject: Subject, path: Path) -> None:
    """Write a subject into a zip archive.

    Raises:
        StorageError: if it cannot be written; nothing is left behind then.
    """
    files = [subject.folder / name for name in _TEXTS] + [photo.path for photo in subject.photos]
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            for file in files:
                archive.write(file, file.relative_to(subject.folder))
        draft.chmod(0o600)
        draft.replace(path)
    except OSError as error:
        raise StorageError(
            f"{str(path)!r} cannot be written ({error.strerror or error}): give --out a name in a "
            "folder where you may write."
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def unpack(path: Path, home: Path) -> Subject:
    """Make the subject that such an archive holds.

    Raises:
        SubjectError: if it is none, is damaged, or holds something else.
        ConsentError: if the consent was changed or is over.
        StorageError: if there is a subject of that name, or it cannot be written; nothing is left
            behind then.
    """
    with tempfile.TemporaryDirectory() as place:
        loose = Path(place) / "subjects" / "packed"
        names = _members(path)
        for name in _TEXTS:
            _write(loose / name, _content(path, name))
        name = _name_in(loose)
        folder = folder_of(home, name)
        if folder.exists():
            raise exists_error(folder)
        loose = loose.rename(loose.with_name(name))
        _decode(path, [member for member in names if _PHOTO.fullmatch(member)], loose)
        try:
            Subject.load(Path(place), name)
        except SubjectError as error:
            said = str(error).replace(f"{loose}/", "").replace(str(loose), path.name)
            raise type(error)(f"{str(path)!r} cannot be imported: {said}") from error
        try:
            private_folder(folder.parent)
            with built_beside(folder) as draft:
                shutil.copytree(loose, draft, dirs_exist_ok=True)
                private_folder(draft)
                note(home, draft, "imported", file=path.name)
        except OSError as error:
            raise storage_error(folder, error) from error
    return Subject.load(home, name)


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SubjectError(
            f"{str(path)!r} is no packed subject ({reason}): give a file that 'starring subject "
            "export' wrote."
        ) from error
    wrong = [name for name in names if name not in _TEXTS and not _PHOTO.fullmatch(name)]
    if wrong or not set(_TEXTS) <= set(names):
        raise SubjectError(
            f"{str(path)!r} is no packed subject: it must hold {', '.join(_TEXTS)} and photos, as "
            "'starring subject export' writes it, and nothing else."
        )
    return names


def _content(path: Path, name: str) -> bytes:
    try:
        return read_member(path, name)
    except PhotoError as error:
        raise SubjectError(f"{str(path)!r}: {name!r} is {error.reason}.") from error


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _name_in(folder: Path) -> str:
    name = read_yaml(folder / RECORD).get("name")
    folder_of(folder, name if isinstance(name, str) else "")
    return str(name)


def _decode(path: Path, names: list[str], folder: Path) -> None:
    """Write the photos anew, as decoded in a process with limits."""
    with Intake([]) as intake:
        sources = [Source(path, member=name) for name in names]
        for name, picture in zip(names, intake.pictures(sources), strict=True):
            if isinstance(picture, PhotoError):
                raise SubjectError(f"{str(path)!r}: {name!r} is {picture.reason}.") from picture
            picture.save(folder / name, format="PNG", compress_level=1)
