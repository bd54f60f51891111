"""Carrying: a subject packed into one file, and unpacked on another machine.

The file holds the photos, what is said of them, and the signed consent; not the latents, the
adapters or the log. Nothing in it is trusted: every file must be the one that was sealed when it
was packed, photos are decoded anew, and the consent must be as it was signed.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from subjects.archives import read_member
from subjects.drafts import built_beside, storage_error
from subjects.errors import ConsentError, PhotoError, StorageError, SubjectError
from subjects.files import whole_file
from subjects.intake import Intake
from subjects.ledger import note
from subjects.metadata import METADATA
from subjects.photos import LONGEST, read_photo
from subjects.privacy import private_folder
from subjects.records import parse_yaml
from subjects.seals import SEAL, check_seal, digest, sealed
from subjects.sources import Source
from subjects.subject import AUDIT, PHOTOS, RECORD, Subject, folder_of, namesake

_TEXTS = (RECORD, AUDIT, f"{PHOTOS}/{METADATA}")
_PHOTO = re.compile(rf"{PHOTOS}/[^/\\.][^/\\]*(?i:\.png)")


def pack(subject: Subject, path: Path, home: Path) -> None:
    """Write a subject into a zip archive, sealed with its home's key.

    Raises:
        StorageError: if a photo cannot be read, the file is there already, or it cannot be
            written; nothing is left behind then.
    """
    files = [subject.folder / name for name in _TEXTS] + [photo.path for photo in subject.photos]
    _refuse(subject, files, path)
    try:
        with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            digests = {}
            for packed in files:
                name, content = str(packed.relative_to(subject.folder)), _bytes_of(packed)
                digests[name] = digest(content)
                archive.writestr(name, content)
            archive.writestr(SEAL, sealed(digests, home))
    except OSError as error:
        raise StorageError(
            f"{str(path)!r} cannot be written ({error.strerror or error}): give --out a name in a "
            "folder where you may write."
        ) from error


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StorageError(
            f"{str(file)!r} cannot be read ({error.strerror or error}): mend that, or take it out "
            "of the subject."
        ) from error


def _refuse(subject: Subject, files: list[Path], path: Path) -> None:
    """Refuse to write over a file, to follow a link, and to pack what cannot be read."""
    if path.exists() or path.is_symlink():
        raise StorageError(f"{str(path)!r} is there already: give another --out, or remove it.")
    if links := [file for file in files if file.is_symlink()]:
        raise StorageError(
            f"{str(links[0])!r} is a link, and the photos of a subject are files of its own: put "
            "the file itself there."
        )
    for photo in subject.photos:  # those that a person has dropped are carried too
        if why := _unfit(photo.path):
            raise StorageError(
                f"{photo.path.name!r} cannot be packed ({why}): put another there, or remove its "
                "line."
            )


def _unfit(photo: Path) -> str | None:
    """Why a photo would not be unpacked as it is; None if it would."""
    if not _PHOTO.fullmatch(f"{PHOTOS}/{photo.name}"):
        return "its name must end in .png, and not begin with a dot"
    try:
        longer = max(read_photo(photo, longest=LONGEST + 1).size)
    except PhotoError as error:
        return error.reason
    return f"a side is longer than {LONGEST} pixels" if longer > LONGEST else None


def unpack(path: Path, home: Path) -> Subject:
    """Make the subject that such an archive holds.

    Raises:
        SubjectError: if it is none, is damaged, or holds something else.
        ConsentError: if the consent was changed or is over.
        StorageError: if there is a subject of that name, or it cannot be written; nothing is left
            behind then.
    """
    names = _members(path)
    check_seal(
        _content(path, SEAL),
        {name: digest(_content(path, name)) for name in names if name != SEAL},
        repr(str(path)),
    )
    texts = {name: _content(path, name) for name in _TEXTS}
    name = _name_in(path, texts[RECORD])
    folder = folder_of(home, name)
    if (taken := namesake(home, name)) or folder.exists():
        raise StorageError(
            f"the subject {taken or name!r} exists already in {str(folder.parent)!r}: import it "
            "into another --home, or delete the one that is here first."
        )
    try:
        private_folder(private_folder(home) / folder.parent.name)
    except OSError as error:
        raise storage_error(folder, error) from error
    with built_beside(folder) as draft:
        (draft / PHOTOS).mkdir()
        for text, content in texts.items():
            (draft / text).write_bytes(content)
        _decode(path, [member for member in names if _PHOTO.fullmatch(member)], draft)
        _check(path, draft, name)
        note(home, draft, "imported", file=path.name)
    return Subject.load(home, name)


def _check(path: Path, draft: Path, name: str) -> None:
    """Refuse a subject that could not be loaded, or whose consent does not hold."""
    try:
        subject = Subject.read(draft, name)
    except SubjectError as error:
        said = str(error).replace(f"{draft}/", "").replace(str(draft), path.name)
        raise type(error)(f"{str(path)!r} cannot be imported: {said}") from error
    if flaw := subject.consent_flaw:
        raise ConsentError(
            f"{str(path)!r} cannot be imported: {flaw}. Answer the question anew where it was "
            f"packed, with 'starring subject consent {name}', and pack it again."
        )


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
    needed = {*_TEXTS, SEAL}
    wrong = [name for name in names if name not in needed and not _PHOTO.fullmatch(name)]
    if wrong or not needed <= set(names):
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


def _name_in(path: Path, record: bytes) -> str:
    """The subject's name, as the record in an archive has it."""
    place = f"{path.name}/{RECORD}"
    name = parse_yaml(record.decode("utf-8", "replace"), place).get("name")
    if not isinstance(name, str):
        raise SubjectError(f"{place!r}: name is {name!r}; it must be a subject's name.")
    folder_of(Path(), name)
    return name


def _decode(path: Path, names: list[str], folder: Path) -> None:
    """Write the photos anew, as decoded in a process with limits."""
    with Intake([]) as intake:
        sources = [Source(path, member=name) for name in names]
        for name, picture in zip(names, intake.pictures(sources), strict=True):
            if isinstance(picture, PhotoError):
                raise SubjectError(f"{str(path)!r}: {name!r} is {picture.reason}.") from picture
            picture.save(folder / name, format="PNG", compress_level=1)
