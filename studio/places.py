"""Whether a file can be written and remembered, found out before the work that makes it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from bases.video import settings_in
from studio.home import StudioError
from subjects import log_of
from subjects.files import file_digest
from subjects.ledger import LEDGER, LOG
from subjects.subject import folder_of

CLIP, ADAPTER = ".mp4", ".safetensors"
_OUR_OWN = ("adapters", "keys", "runs", "subjects")


def check_ending(path: Path, ending: str) -> None:
    """Make sure that a file's name ends as it must: in `CLIP` or `ADAPTER`.

    Raises:
        StudioError: if it does not.
    """
    if path.suffix.lower() != ending:
        raise StudioError(
            f"{str(path)!r} cannot be written: its name must end in {ending}, such as "
            f"'mira{ending}'; give one with --out."
        )


def check_file(path: Path, home: Path, ending: str) -> None:
    """Make sure that a file can be written there; nothing stays behind.

    An older one may be replaced if it says itself that it is a clip of ours, or a log of this home
    says that it was written here and nobody changed it since.

    Args:
        path: the file.
        home: where subjects live.
        ending: `CLIP` or `ADAPTER`.

    Raises:
        StudioError: if it cannot.
    """
    check_ending(path, ending)
    try:
        _check_place(path, home)
        there = next(p for p in path.absolute().parents if p.exists())
        with tempfile.NamedTemporaryFile(dir=there, prefix=f".{path.name}."):
            pass
    except (OSError, RuntimeError) as error:  # the latter of links that lead in a circle
        raise StudioError(
            f"{str(path)!r} cannot be written ({getattr(error, 'strerror', None) or error}): give "
            "--out a name in a folder where you may write."
        ) from error


def _check_place(path: Path, home: Path) -> None:
    """Refuse a place among our own files, a folder's, and that of a file which is not ours."""
    if any(path.resolve().is_relative_to((home / own).resolve()) for own in _OUR_OWN):
        raise StudioError(
            f"{str(path)!r} lies among what Starring keeps in {str(home)!r}: give --out a name in "
            "another folder."
        )
    if not path.exists():
        return
    if not path.is_file():
        raise StudioError(f"{str(path)!r} is a folder: give --out another name.")
    ours = path.suffix.lower() == CLIP and "adapter" in settings_in(path)
    if not ours and file_digest(path) not in _made_in(home, path):
        raise StudioError(
            f"{str(path)!r} is there already, and not as something that was made here: give --out "
            "another name, or remove it."
        )


def _made_in(home: Path, path: Path) -> set[str]:
    """The SHA-256 of what was written to a path, as the logs of a home say."""
    lines = [line for log in home.glob(f"subjects/*/{LOG}") for line in log_of(log.parent)]
    files = [line["details"].get("files") for line in lines]
    at = str(path.resolve())
    return {str(made[at]) for made in files if isinstance(made, dict) and at in made}


def check_home(home: Path) -> None:
    """Make sure that something can be written into a home, which need not be there yet.

    Raises:
        StudioError: if it cannot.
    """
    if why := _fault(home):
        raise StudioError(
            f"{str(home)!r} cannot be written ({why}), and what is made of a subject is remembered "
            "there: mend that, or choose another folder with --home or STARRING_HOME."
        )


def check_log(home: Path, name: str) -> None:
    """Make sure that what is made of a subject can be remembered, to be deleted with it.

    Raises:
        StudioError: if it cannot.
    """
    for path in (folder_of(home, name) / LOG, home / LEDGER):
        if path.exists() and not os.access(path, os.W_OK):
            raise StudioError(
                f"{str(path)!r} cannot be written, and what is made of {name!r} is remembered "
                "there, to be deleted with it: let yourself write it."
            )


def check_folder(folder: Path) -> None:
    """Make sure that files can be written into a folder, which need not be there yet.

    Raises:
        StudioError: if they cannot.
    """
    if why := _fault(folder):
        raise StudioError(
            f"{str(folder)!r} cannot be written ({why}): give --out a folder where you may write."
        )


def _fault(folder: Path) -> str | None:
    """Why no file can be put into a folder; None if one can."""
    try:
        there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
        with tempfile.NamedTemporaryFile(dir=there, prefix=".starring."):
            return None
    except OSError as error:
        return error.strerror or str(error)
