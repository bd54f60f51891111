"""Records: the small text files of a subject, which people edit by hand."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from subjects.errors import StorageError
from subjects.files import whole_file

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


def read_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file with one JSON object a line, each with its line number from 1.

    Raises:
        StorageError: if the file cannot be read, or a line is no JSON object; says which.
    """
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            problem = f"{shorten(line)} is not JSON ({error.msg} at column {error.colno})"
            raise line_error(path, number, problem) from error
        except (RecursionError, ValueError) as error:  # too many brackets, or too many digits
            problem = f"{shorten(line)} is not JSON that can be read ({error})"
            raise line_error(path, number, problem) from error
        if not isinstance(row, dict):
            raise line_error(path, number, f"{shorten(row)} is no JSON object")
        yield number, row


def shorten(value: object) -> str:
    """A value as an error shows it, however long or deep it is."""
    return _SHORT.repr(value)


def line_error(path: Path, number: int, problem: str) -> StorageError:
    """A line that cannot be understood."""
    return StorageError(
        f"{str(path)!r}, line {number}: {problem}; every line is one JSON object, such as its "
        "neighbours: mend the line, or remove it."
    )


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds.

    Raises:
        StorageError: if it cannot be read, or holds something else.
    """
    return parse_yaml(read_text(path), str(path))


def parse_yaml(text: str, place: str) -> dict[str, Any]:
    """The mapping that a YAML text holds.

    Args:
        text: the YAML.
        place: where it stands, for errors.

    Raises:
        StorageError: if it holds something else.
    """
    import yaml

    try:
        record = yaml.load(text, _loader())
    except Exception as error:  # as of '!!bool maybe', which is a KeyError
        reason = " ".join(str(error).split())
        raise StorageError(f"{place!r} is not YAML ({reason}); correct it there.") from error
    if not isinstance(record, dict):
        raise StorageError(f"{place!r} holds {shorten(record)}; it must hold 'name: value' lines.")
    return record


def _loader() -> Any:
    """YAML's safe loader, which takes no aliases: a few lines of them can stand for gigabytes."""
    import yaml

    class Plain(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError(
                    "it has an alias, a '*', which is not allowed: write out what it stands for"
                )
            return super().compose_node(parent, index)

    return Plain


def jsonl(rows: Iterable[Mapping[str, Any]]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def replace_text(path: Path, text: str) -> None:
    """Write a file as a whole; if that fails, what was there stays."""
    with whole_file(path) as file:
        file.write(text.encode())


def read_text(path: Path) -> str:
    """The text of such a file.

    Raises:
        StorageError: if it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(
            f"{str(path)!r} cannot be read ({reason}): put it back from a copy, or remove the "
            "subject's folder and add it anew."
        ) from error
