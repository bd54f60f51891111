"""Where a user's subjects, adapters and clips live, and whether our own folders were imported."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

FOLDERS = ("bases", "subjects", "finetune", "inference", "studio")
ROOT = Path(__file__).resolve().parent.parent


class StudioError(ValueError):
    """Something about the command or its surroundings that a user can mend."""


def home_folder(given: Path | None) -> Path:
    """The folder given, else `STARRING_HOME`, else the platform's data folder."""
    if given is not None:
        return given.expanduser()
    if os.environ.get("STARRING_HOME"):
        return Path(os.environ["STARRING_HOME"]).expanduser()
    from platformdirs import user_data_path

    return user_data_path("starring", appauthor=False)


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
