"""Text on the terminal: what comes from a user, such as a file's name, cannot steer it."""

from __future__ import annotations

import io
import sys


def printable(text: str) -> str:
    """The text with everything that is not seen as a character written as an escape."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def say(*lines: str) -> None:
    """Print lines on the terminal, nothing where there are none."""
    if lines:
        print(*map(printable, lines), sep="\n")


def print_anything() -> None:
    """Let a terminal that lacks a letter show '?' in its place."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
