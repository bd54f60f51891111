"""The command ends in help, in one line, or in the error that nobody foresaw."""

from __future__ import annotations

import sys

import pytest
import typer

import studio.subject_commands
from studio.cli import main


def typed(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    monkeypatch.setattr(sys, "argv", ["starring", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_help_is_shown_when_asked_for_and_when_nothing_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not typed(monkeypatch, "--help")
    assert "Usage: starring" in capsys.readouterr().out
    assert typed(monkeypatch) == 2
    shown = capsys.readouterr().err
    assert "Usage: starring" in shown
    assert "starring: " not in shown


def test_help_for_training_says_how_to_list_all_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not typed(monkeypatch, "train", "--help")
    shown = " ".join(capsys.readouterr().out.split())
    assert "'python -m finetune.train --help'" in shown
    for setting in ("--model.lr", "--model.rank", "--trainer.max_steps", "--data.photos"):
        assert setting in shown


@pytest.mark.parametrize("stop", [KeyboardInterrupt, EOFError, typer.Abort])
def test_a_user_who_stops_sees_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stop: type[BaseException],
) -> None:
    def open_home(_: object) -> None:
        raise stop

    monkeypatch.setattr(studio.subject_commands, "open_home", open_home)
    assert typed(monkeypatch, "subject", "show", "mira") == 130
    assert capsys.readouterr().err.strip().startswith("starring: Stopped")


def test_the_exit_code_of_a_command_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.doctor.examine", lambda: False)
    assert typed(monkeypatch, "doctor") == 1


def test_an_error_that_nobody_can_mend_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_home(_: object) -> None:
        raise ValueError("ours to mend")

    monkeypatch.setattr(studio.subject_commands, "open_home", open_home)
    monkeypatch.setattr(sys, "argv", ["starring", "subject", "show", "mira"])
    with pytest.raises(ValueError, match="ours to mend"):
        main()
