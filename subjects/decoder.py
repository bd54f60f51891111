"""The decoder: a process of its own that opens files which nobody vouches for.

It reads one request a line, as JSON, and answers with a line of JSON, for a picture followed by its
pixels. Where the system knows such limits, it may use so much memory and may write no file. Whoever
asks ends it when it takes too long; see `subjects.intake`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

from subjects.archives import misplaced, photo_members, read_member
from subjects.errors import PhotoError
from subjects.photos import LONGEST, contents, decode, kind_of
from subjects.sources import Source
from subjects.videos import best_moments, frame_at

MAX_MEMORY = 4 * 2**30
"""Bytes of addresses; the largest photo that is allowed needs a quarter."""


def serve() -> None:
    """Answer requests until there are no more."""
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing else may be said there
    _limit()
    for line in sys.stdin.buffer:
        _answer(json.loads(line), answers)
        answers.flush()


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    for limit, most in ((resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_FSIZE, 0)):
        try:
            resource.setrlimit(limit, (most, most))
        except (ValueError, OSError):  # not on every system
            continue


def _answer(request: dict[str, Any], answers: BinaryIO) -> None:
    source, pixels = Source.of(request["source"]), b""
    try:
        if request["wanted"] == "sources":
            said: dict[str, Any] = {"sources": [one.record() for one in _sources(source.path)]}
        else:
            picture = decode_source(source)
            pixels = picture.tobytes()
            said = {"size": picture.size}
    except PhotoError as error:
        said = {"problem": error.reason}
    except MemoryError:
        said = {"problem": "too large for the memory that decoding may use; scale it down"}
    answers.write(json.dumps(said).encode() + b"\n" + pixels)


def _sources(path: Path) -> list[Source]:
    kind = kind_of(path)
    if kind == "archive":
        return [Source(path, member=n, problem=misplaced(n)) for n in photo_members(path)]
    if kind == "video":
        return [Source(path, second=moment) for moment in best_moments(path)]
    return [Source(path)]


def decode_source(source: Source) -> Any:
    """The picture, RGB, at most `LONGEST` a side.

    Raises:
        PhotoError: if it cannot be had.
    """
    if source.second is not None:
        picture = frame_at(source.path, source.second)
        picture.thumbnail((LONGEST, LONGEST))
        return picture
    if source.member is not None:
        content = read_member(source.path, source.member)
        return decode(content, Path(source.member), longest=LONGEST)
    return decode(contents(source.path), source.path, longest=LONGEST)


if __name__ == "__main__":
    serve()
