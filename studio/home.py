"""Where a user's subjects, adapters and clips live, and whether our own folders were imported."""

from __future__ import annotations

import os
import shlex
from importlib.util import find_spec
from pathlib import Path

from studio.printing import say

FOLDERS = ("bases", "subjects", "finetune", "inference", "studio")
ROOT = Path(__file__).resolve().parent.parent


class StudioError(ValueError):
    """Something about the command or its surroundings that a user can mend."""


def home_folder(given: Path | None) -> Path:
    """The folder given, else `STARRING_HOME`, else the platform's data folder.

    Raises:
        StudioError: if `STARRING_HOME` names a user that there is not.
    """
    if given is not None:
        return given
    if named := os.environ.get("STARRING_HOME"):
        try:
            return Path(named).expanduser()
        except RuntimeError as error:
            raise StudioError(f"STARRING_HOME is {named!r}: {error} Write it in full.") from error
    from platformdirs import user_data_path

    return user_data_path("starring", appauthor=False)


def open_home(given: Path | None) -> Path:
    """The same, in which no deletion is left half done; what one leaves is said.

    Raises:
        StudioError: if one cannot be finished.
    """
    from subjects import finish_deletions

    home = home_folder(given)
    if home.exists() and not home.is_dir():
        raise StudioError(f"{str(home)!r} is a file: give --home or STARRING_HOME a folder.")
    try:
        done = finish_deletions(home)
    except OSError as error:
        raise StudioError(
            f"A subject of {str(home)!r} is not wholly deleted ({error}): mend that, and give the "
            "same command again."
        ) from error
    say(*(f"Note: {warning}" for deleted in done for warning in deleted.warnings))
    return home


def home_option(given: Path | None) -> str:
    """What a suggested command must repeat so that it finds the same home."""
    return "" if given is None else f" --home {shlex.quote(str(given))}"


def check_imports() -> None:
    """Make sure that no other installed package took the name of one of our folders.

    Raises:
        StudioError: if one did.
    """
    for name in FOLDERS:
        spec = find_spec(name)
        where = Path(spec.origin).resolve().parent if spec and spec.origin else None
        if where != ROOT / name:
            raise StudioError(
                f"The package {name!r} was found in {str(where)!r}, not beside the command in "
                f"{str(ROOT)!r}: another package of that name is installed. Remove it with "
                f"'pip uninstall {name}', or install Starring into an environment of its own."
            )
