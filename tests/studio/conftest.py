from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from studio.cli import main
from subjects import Consent


def _type(monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...]) -> object:
    """Type a command; gives its exit code."""
    monkeypatch.setattr(sys, "argv", ["starring", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Types a command that must be refused; gives the one line that it ends with."""

    def type_command(*arguments: object) -> str:
        code = _type(monkeypatch, arguments)
        shown = capsys.readouterr()
        assert code == 2, shown.err
        assert "Traceback" not in shown.out + shown.err
        said = [line for line in shown.err.splitlines() if line.startswith("starring: ")]
        assert len(said) == 1, shown.err
        assert shown.err.rstrip().endswith(said[0])
        return said[0]

    return type_command


@pytest.fixture
def accepted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Types a command that must work; gives what it says."""

    def type_command(*arguments: object) -> str:
        assert not _type(monkeypatch, arguments)
        return capsys.readouterr().out

    return type_command


@pytest.fixture
def make_a_person() -> Callable[[Path], None]:
    """Lets the object 'toto' of a home pass for a person."""

    def change(home: Path) -> None:
        path = home / "subjects" / "toto" / "subject.yaml"
        record = yaml.safe_load(path.read_text()) | {"kind": "person"}
        consent = Consent(whose="Toto", ground="synthetic", date="2025-01-31")
        record["consent"] = consent.signed("toto", home).record()
        path.write_text(yaml.safe_dump(record))

    return change
