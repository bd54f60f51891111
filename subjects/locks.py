"""Locks: one command alone works in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from subjects.privacy import private_folder


class Busy(Exception):
    """Another command is at work in a folder."""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other commands out of a folder, which need not be there yet.

    Raises:
        Busy: if another command is in it.
        OSError: if the folder that it stands in cannot be written.
    """
    path = private_folder(folder.parent) / f".{folder.name}.lock"
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Busy(f"another command is at work in {str(folder)!r}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def locked_in(folder: Path, names: str) -> Iterator[Path]:
    """Folders of names like a pattern that are locked, or were when a command was killed."""
    for lock in folder.glob(f".{names}.lock"):
        yield lock.with_name(lock.name[1 : -len(".lock")])
