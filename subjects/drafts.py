"""Drafts: a folder is built beside its place and moved there when it is complete.

Every run has a draft of its own, so that two of one name do not write into each other's, and the
second to finish is told that the first was there.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from subjects.errors import StorageError

DRAFT = ".draft"
# A draft is filled within minutes; one this old is of a run that was killed.
_OLD_SECONDS = 3600


@contextmanager
def built_beside(folder: Path) -> Iterator[Path]:
    """A private folder that becomes `folder` at the end, or vanishes.

    Raises:
        StorageError: if `folder` exists by then, or something cannot be written.
    """
    draft = None
    try:
        _clear_old(folder.parent)
        prefix = f".{folder.name}."
        draft = Path(tempfile.mkdtemp(prefix=prefix, suffix=DRAFT, dir=folder.parent))
        yield draft
        os.rename(draft, folder)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
            raise exists_error(folder) from error
        raise storage_error(folder, error) from error
    finally:
        if draft:
            shutil.rmtree(draft, ignore_errors=True)


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


def _clear_old(folder: Path) -> None:
    for draft in folder.glob(f".*{DRAFT}"):
        try:
            old = time.time() - draft.stat().st_mtime > _OLD_SECONDS
        except FileNotFoundError:  # its own run was quicker
            continue
        if old:
            shutil.rmtree(draft, ignore_errors=True)
