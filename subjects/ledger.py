"""The ledger: who did what to which subject, in a chain that nobody can cut unseen.

Each subject's `log.jsonl` says what was done to it; the home's `ledger.jsonl` holds a salted
SHA-256 of every such line, each bound to the one before. A subject that is deleted takes its lines
with it; the chain keeps hashes that tell nothing, and is still whole.
"""

from __future__ import annotations

import datetime
import getpass
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from subjects.privacy import private_folder

LEDGER, LOG = "ledger.jsonl", "log.jsonl"
_FIRST = "0" * 64


def note(home: Path, folder: Path, did: str, **details: Any) -> None:
    """Append what was done to a subject.

    Args:
        home: whose ledger it is.
        folder: the subject's.
        did: a word, such as "trained".
        details: what else to remember, as JSON has it.

    Raises:
        OSError: if it cannot be written.
    """
    with _entering(home):
        _cut_torn_line(folder / LOG)
        line = _enter(home, did, details, place=len(_lines(folder / LOG)) + 1)
        _append(folder / LOG, line)


def note_deletion(home: Path, folder: Path) -> None:
    """Append that a subject is deleted, once, however often a deletion is begun anew.

    Args:
        home: whose ledger it is.
        folder: the subject's, whose log is about to go.

    Raises:
        OSError: if it cannot be written.
    """
    log = folder / LOG
    digest = hashlib.sha256(log.read_bytes()).hexdigest() if log.is_file() else None
    with _entering(home):
        known = {row.get("log") for row in _lines(home / LEDGER) if row is not None}
        if digest is None or digest not in known:
            gone = len(log_of(folder)) + 1  # lines that no log has: this one too
            _enter(home, "deleted", {}, gone=gone, log=digest)


def log_of(folder: Path) -> list[dict[str, Any]]:
    """What was done to the subject in a folder, in order, without lines that are no record."""
    return [line for line in _lines(folder / LOG) if line is not None and _is_whole(line)]


def problems(home: Path) -> list[str]:
    """What does not fit together in the ledger and the logs of a home, one line each."""
    return [*_broken_links(home), *_changed_lines(home)] or list(_cut_logs(home))


def _entering(home: Path) -> FileLock:
    """One process alone enters something at a time."""
    return FileLock(private_folder(home) / f".{LEDGER}.lock", mode=0o600)


def _enter(
    home: Path, did: str, details: dict[str, Any], *, place: int = 0, gone: int = 0, **more: Any
) -> dict[str, Any]:
    """Append an entry to the ledger; returns the line that it stands for."""
    last = _last(home / LEDGER)
    line = {
        "number": last["number"] + 1,
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "who": _user(),
        "did": did,
        "details": details,
        "place": place,
        "salt": secrets.token_hex(16),
    }
    entry = {
        "number": line["number"],
        "time": line["time"],
        "content": _digest(line),
        "previous": last["hash"],
        "gone": gone,
        **more,
    }
    _append(home / LEDGER, {**entry, "hash": _digest(entry)})
    return line


def _is_whole(line: dict[str, Any]) -> bool:
    told = (line.get(key) for key in ("time", "who", "did"))
    return isinstance(line.get("details"), dict) and all(isinstance(word, str) for word in told)


def _broken_links(home: Path) -> Iterator[str]:
    expected, number = _FIRST, 0
    if not (home / LEDGER).is_file() and any((home / "subjects").glob(f"*/{LOG}")):
        yield f"{LEDGER} is missing"
    for number, row in enumerate(_lines(home / LEDGER), 1):
        entry = {key: value for key, value in (row or {}).items() if key != "hash"}
        row = row or {}
        whole = row.get("previous") == expected and row.get("hash") == _digest(entry)
        if not whole or row.get("number") != number:
            yield f"{LEDGER}: entry {number} was changed, or one before it is missing"
            return
        expected = row["hash"]


def _changed_lines(home: Path) -> Iterator[str]:
    entered = _entered(home)
    for folder in sorted((home / "subjects").glob("[!.]*")):
        yield from (f"{folder.name}/{fault}" for fault in _faults_of(folder, entered))


def log_faults(home: Path, folder: Path) -> list[str]:
    """What was changed in the log of a subject, or is missing before its last line, a line each.

    Args:
        home: whose ledger tells.
        folder: the subject's.
    """
    return list(_faults_of(folder, _entered(home)))


def _entered(home: Path) -> dict[str, Any]:
    """What each entry of a ledger stands for, by its number."""
    entries = [row for row in _lines(home / LEDGER) if row is not None]
    return {str(row.get("number")): row.get("content") for row in entries}


def _faults_of(folder: Path, entered: dict[str, Any]) -> Iterator[str]:
    lines = _lines(folder / LOG)
    if not lines:
        yield f"{LOG} is missing"
    for place, line in enumerate(lines, 1):
        if line is None or entered.get(str(line.get("number"))) != _digest(line):
            yield f"{LOG}: line {place} was changed"
        elif line.get("place") != place:
            yield f"{LOG}: a line before line {place} is missing"


def _cut_logs(home: Path) -> Iterator[str]:
    """A log that lost its last lines fits together, but the ledger has counted them."""
    entries = [row for row in _lines(home / LEDGER) if row is not None]
    gone = sum(row["gone"] for row in entries if isinstance(row.get("gone"), int))
    there = sum(len(_lines(log)) for log in (home / "subjects").glob(f"[!.]*/{LOG}"))
    if len(entries) > there + gone:
        yield (
            f"{len(entries) - there - gone} entries of {LEDGER} have no line in any {LOG}: a log "
            "was cut short, or a command was killed before its subject was there"
        )


def _lines(path: Path) -> list[dict[str, Any] | None]:
    """The records of a file, None for a line that is none; nothing of a file that is not there."""
    if not path.is_file():
        return []
    return [_record(line) for line in path.read_bytes().splitlines() if line.strip()]


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _last(path: Path) -> dict[str, Any]:
    """The last entry of a ledger that is one."""
    _cut_torn_line(path)
    for row in reversed(_lines(path)):
        if row and isinstance(row.get("number"), int) and isinstance(row.get("hash"), str):
            return row
    return {"number": 0, "hash": _FIRST}


def _cut_torn_line(path: Path) -> None:
    """Take away what a crash left of a last line, or the next one would be lost in it."""
    if path.is_file():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)


def _append(path: Path, row: dict[str, Any]) -> None:
    """Add a line; a file's name that is no UTF-8 stays as Python has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(json.dumps(row, ensure_ascii=False).encode(errors="surrogatepass") + b"\n")


def _digest(record: dict[str, Any]) -> str:
    said = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(said.encode(errors="surrogatepass")).hexdigest()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return "unknown"
