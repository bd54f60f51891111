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
from subjects.records import read_jsonl

LEDGER, LOG = "ledger.jsonl", "log.jsonl"
_FIRST = "0" * 64


def note(home: Path, folder: Path | None, did: str, **details: Any) -> None:
    """Append what was done.

    Args:
        home: whose ledger it is.
        folder: the subject's; None once it has none, when nothing of the details is kept.
        did: a word, such as "trained".
        details: what else to remember, as JSON has it.

    Raises:
        OSError: if it cannot be written.
    """
    private_folder(home)
    with FileLock(home / f".{LEDGER}.lock", mode=0o600):
        last = _last(home / LEDGER)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        line = {
            "number": last["number"] + 1,
            "time": now,
            "who": _user(),
            "did": did,
            "details": details,
            "salt": secrets.token_hex(16),
        }
        entry = {
            "number": line["number"],
            "time": now,
            "content": _digest(line),
            "previous": last["hash"],
        }
        _append(home / LEDGER, {**entry, "hash": _digest(entry)})
        if folder is not None:
            _append(folder / LOG, line)


def log_of(folder: Path) -> list[dict[str, Any]]:
    """What was done to the subject in a folder, in order."""
    if not (folder / LOG).is_file():
        return []
    return [row for _, row in read_jsonl(folder / LOG)]


def problems(home: Path) -> list[str]:
    """What does not fit together in the ledger and the logs of a home, one line each."""
    return [*_broken_links(home), *_changed_lines(home)]


def _broken_links(home: Path) -> Iterator[str]:
    expected, number = _FIRST, 0
    for number, (_, row) in enumerate(_rows(home / LEDGER), 1):
        entry = {key: value for key, value in row.items() if key != "hash"}
        whole = row.get("previous") == expected and row.get("hash") == _digest(entry)
        if not whole or row.get("number") != number:
            yield f"{LEDGER}: entry {number} was changed, or one before it is missing"
            return
        expected = row["hash"]


def _changed_lines(home: Path) -> Iterator[str]:
    content = {row.get("number"): row.get("content") for _, row in _rows(home / LEDGER)}
    for path in sorted((home / "subjects").glob(f"*/{LOG}")):
        for _, line in read_jsonl(path):
            if content.get(line.get("number")) != _digest(line):
                yield f"{path.parent.name}/{LOG}: line {line.get('number')} was changed"


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    return read_jsonl(path) if path.is_file() else iter(())


def _last(path: Path) -> dict[str, Any]:
    """The last entry of a ledger; a line that a crash cut short is taken away."""
    if not path.is_file():
        return {"number": 0, "hash": _FIRST}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    return json.loads(whole.splitlines()[-1]) if whole else {"number": 0, "hash": _FIRST}


def _append(path: Path, row: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _digest(record: dict[str, Any]) -> str:
    said = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in some containers
        return "unknown"
