"""What a table names can be typed."""

from __future__ import annotations

import pytest

from studio.tables import show_table


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def test_a_name_is_not_broken_however_much_stands_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    terms = "a long licence with many terms " * 4
    show_table(("base", "licence", "here"), [("cogvideox-1.5-5b", terms, "yes")])
    (first,) = (line for line in capsys.readouterr().out.splitlines() if "cogvideo" in line)
    assert first.startswith("cogvideox-1.5-5b ")
    assert first.rstrip().endswith(" yes")


def test_nothing_is_cut_even_if_a_name_is_long(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("photo", "why"), [("x" * 90, "good")])
    assert capsys.readouterr().out.count("x") == 90
