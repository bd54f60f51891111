"""Privacy: what is a user's own, nobody else on the machine may look into."""

from __future__ import annotations

from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make a folder, and those above it, that its owner alone may enter; returns it.

    A folder that exists is closed to others too; where the system has no such rights, as on
    Windows, it is left to the user's own profile.

    Raises:
        OSError: if it cannot be made.
    """
    for folder in reversed(path.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path
