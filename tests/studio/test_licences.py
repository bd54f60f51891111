"""A licence's question is put to a person at a terminal, and answered by command elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import typer

from bases.licence import MINIMAX_H3, is_answered
from studio.cli import main
from studio.home import StudioError
from studio.licences import ask


@pytest.fixture(autouse=True)
def _none_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARRING_LICENCES", str(tmp_path / "licences.json"))


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, *, answer: bool) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda _: answer)


def type_command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["starring", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_yes_is_kept_and_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_a_terminal(monkeypatch, answer=True)
    ask("minimax-h3")
    assert MINIMAX_H3.text in capsys.readouterr().out
    assert is_answered(MINIMAX_H3)
    at_a_terminal(monkeypatch, answer=False)
    ask("minimax-h3")


def test_no_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, answer=False)
    with pytest.raises(StudioError, match="'minimax-h3' may not be used"):
        ask("minimax-h3")
    assert not is_answered(MINIMAX_H3)


def test_other_bases_ask_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_terminal(monkeypatch, answer=False)
    ask("pocket")


def test_the_command_answers_where_nobody_can_be_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert type_command(monkeypatch, "bases", "--accept", "minimax-h3") == 0
    assert "European Union" in capsys.readouterr().out
    assert is_answered(MINIMAX_H3)


@pytest.mark.parametrize(("name", "said"), [("pocket", "asks nothing"), ("wan9", "'wan9'")])
def test_accepting_for_a_base_that_asks_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert type_command(monkeypatch, "bases", "--accept", name) == 2
    assert said in capsys.readouterr().err
