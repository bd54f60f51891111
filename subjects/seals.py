"""Seals: a list of files with their digests, signed, so that a file that was swapped shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from subjects.errors import SubjectError
from subjects.signing import is_signed, sign

SEAL = "seal.json"


def sealed(digests: Mapping[str, str], home: Path) -> str:
    """The seal of files by name, as JSON, signed with a home's key.

    Raises:
        StorageError: if the home's key cannot be read or made.
    """
    key, signature = sign(digests, home)
    return json.dumps({"files": dict(digests), "key": key, "signature": signature}, indent=1) + "\n"


def check_seal(content: bytes, digests: Mapping[str, str], place: str) -> None:
    """Make sure that the files are those that were sealed.

    Args:
        content: the seal.
        digests: of the files that are there, by name.
        place: where they are, for errors.

    Raises:
        SubjectError: if the seal was changed, or a file was changed, added or taken away.
    """
    try:
        seal = json.loads(content)
        files, key, signature = seal["files"], str(seal["key"]), str(seal["signature"])
        whole = isinstance(files, dict) and is_signed(files, key, signature)
    except (ValueError, KeyError, TypeError, RecursionError):
        whole, files = False, {}
    if not whole:
        raise SubjectError(f"{place}: {SEAL} was changed since it was written; export it anew.")
    names = sorted({*files, *digests})
    if odd := [name for name in names if files.get(name) != digests.get(name)]:
        raise SubjectError(f"{place}: {odd[0]!r} is not what was exported; export it anew.")


def digest(content: bytes) -> str:
    """The SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
