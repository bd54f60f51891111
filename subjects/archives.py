"""Zip archives: the photos in one, read in place and never unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from subjects.errors import PhotoError
from subjects.photos import MAX_BYTES, SUFFIXES

MOST_MEMBERS = 2000
_LOCKED = 1


def photo_members(path: Path) -> list[str]:
    """The names of the photos in an archive, sorted; all else in it is passed over.

    Raises:
        PhotoError: if it is damaged, locked, or holds no photo or too many.
    """
    with _opened(path) as archive:
        photos = [member for member in archive.infolist() if _is_photo(member)]
    if not photos:
        raise PhotoError(path, f"a zip archive without a photo; it needs {', '.join(SUFFIXES[:4])}")
    if len(photos) > MOST_MEMBERS:
        raise PhotoError(
            path, f"{len(photos)} photos are too many; at most {MOST_MEMBERS} are read, take some"
        )
    return sorted({member.filename for member in photos})


def read_member(path: Path, name: str) -> bytes:
    """What a member holds.

    Raises:
        PhotoError: if it is gone, damaged, locked or too large.
    """
    with _opened(path) as archive:
        try:
            member = archive.getinfo(name)
            if member.flag_bits & _LOCKED:
                raise PhotoError(path, "locked with a password; unpack it first")
            with archive.open(member) as file:
                content = file.read(MAX_BYTES + 1)
        except PhotoError:
            raise
        except Exception as error:  # a crafted archive can make zipfile raise almost anything
            raise PhotoError(path, f"damaged or cut short ({error})") from error
    if len(content) > MAX_BYTES:
        raise PhotoError(path, f"more than {MAX_BYTES // 2**20} MB unpacked; save it smaller")
    return content


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # a crafted archive can make zipfile raise almost anything
        raise PhotoError(path, f"a zip archive that cannot be read ({error})") from error


def _is_photo(member: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(member.filename)
    hidden = any(
        (part.startswith(".") and part != "..") or part == "__MACOSX" for part in name.parts
    )
    return not member.is_dir() and not hidden and name.suffix.lower() in SUFFIXES


def misplaced(name: str) -> str | None:
    """Why a member is not read that is named outside its archive; None of all others."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return "named as if it lay outside the archive; it is not read, pack it anew"
    return None
