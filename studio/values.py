"""What a user types for a path or a number, checked as it is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer


def path_of(text: str | Path) -> Path:
    """A path, with '~' taken for the home of a user."""
    if not str(text).strip():
        raise typer.BadParameter(f"{text!r} is no path: give one, or '.' for this folder.")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise typer.BadParameter(f"{str(text)!r}: {error} Write the path in full.") from error


def whole(low: int, high: int) -> Callable[[str | int], int]:
    """Reads a whole number from `low` to `high`."""

    def read(text: str | int) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise typer.BadParameter(f"{text!r} is no whole number from {low} to {high}.")
        return number

    return read


def real(low: float, high: float) -> Callable[[str | float], float]:
    """Reads a number from `low` to `high`."""

    def read(text: str | float) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise typer.BadParameter(f"{text!r} is no number from {low:g} to {high:g}.")
        return number

    return read


_LONGEST = 4096


@dataclass(frozen=True)
class Size:
    """A picture's size in pixels; the base's own where it is None."""

    width: int | None = None
    height: int | None = None


NATIVE = Size()


def size_of(text: str | Size) -> Size:
    """Reads a picture's size, such as "480x832", its width before its height."""
    if isinstance(text, Size):
        return text
    width, _, height = text.lower().replace("×", "x").partition("x")
    sides = [int(side) for side in (width, height) if side.isdecimal() and len(side) < 6]
    if len(sides) < 2 or not all(1 <= side <= _LONGEST for side in sides):
        raise typer.BadParameter(
            f"{text!r} is no size: give width and height, such as 480x832, each at most {_LONGEST}."
        )
    return Size(int(width), int(height))


def gigabytes(text: str | float) -> float:
    """Reads a size of memory, such as "24GB" or 24, in gigabytes."""
    number = str(text).strip().lower().removesuffix("gb").removesuffix("g").strip()
    try:
        size = float(number)
    except ValueError:
        size = math.nan
    if not 0 < size < math.inf:
        raise typer.BadParameter(f"{text!r} is no size of memory: give one such as 24GB.")
    return size
