"""What a user's text holds reaches the terminal as letters alone."""

from __future__ import annotations

import io
import sys

import pytest

from studio.printing import print_anything, printable, say
from studio.tables import show_table


def test_what_is_no_letter_is_written_as_an_escape() -> None:
    assert printable("a\x1b[31m\nb\u202e\udcff") == r"a\x1b[31m\nb\u202e\udcff"
    assert printable("雨 é – [red]") == "雨 é – [red]"


def test_a_table_shows_names_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("photo",), [("\x1b[31mred.png",), ("two\nlines.png",), ("[red]x.png",)])
    shown = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert shown == ["photo", r"\x1b[31mred.png", r"two\nlines.png", "[red]x.png"]


def test_a_terminal_without_a_letter_shows_another(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    print_anything()
    say("a – b", "雨")
    stream.flush()
    assert stream.buffer.getvalue() == b"a ? b\n?\n"
