"""Drafts: a folder is built beside its place and moved there when it is complete.

Of two runs of one name the second is told that the first is at work. A draft that nobody is at
work in is of a run that was killed, and is cleared away by the next command.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from subjects.errors import StorageError
from subjects.locks import Busy, alone_in, locked_in

_DRAFT = ".draft"


@contextmanager
def built_beside(folder: Path) -> Iterator[Path]:
    """A private folder that becomes `folder` at the end, or vanishes.

    Raises:
        StorageError: if `folder` exists by then, another command builds it, or something cannot be
            written.
    """
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{_DRAFT}")
    try:
        with alone_in(folder), alone_in(draft):
            if folder.exists():
                raise exists_error(folder)
            draft.mkdir(mode=0o700)
            yield draft
            os.rename(draft, folder)
    except Busy as error:
        raise StorageError(
            f"the subject {folder.name!r} is being added or deleted by another command: wait for "
            "it, or choose another name."
        ) from error
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise exists_error(folder) from error
        raise storage_error(folder, error) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def clear_drafts(folder: Path) -> None:
    """Remove the drafts and locks beside a folder's own that nobody is at work in.

    Args:
        folder: where they stand.

    Raises:
        OSError: if one cannot be removed.
    """
    drafts = set(folder.glob(f".*{_DRAFT}")) | set(locked_in(folder, f".*{_DRAFT}"))
    for draft in drafts:
        with suppress(Busy), alone_in(draft):
            if draft.exists():
                shutil.rmtree(draft)
    for built in locked_in(folder, "[!.]*"):
        with suppress(Busy), alone_in(built):
            pass  # leaving it takes its lock away


def exists_error(folder: Path) -> StorageError:
    """A name that is taken, in one line."""
    return StorageError(
        f"the subject {folder.name!r} exists already in {str(folder.parent)!r}: "
        f"choose another name, or delete it first ('starring subject delete {folder.name}')."
    )


def storage_error(folder: Path, error: OSError | ValueError) -> StorageError:
    """A failure to write, in one line."""
    reason = getattr(error, "strerror", None) or error
    return StorageError(
        f"cannot write the subject's folder {str(folder)!r} ({reason}); what was "
        "there before is unchanged. Free some space, or choose another folder with --home."
    )
