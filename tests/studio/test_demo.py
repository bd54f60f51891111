"""The demo leaves alone what it did not make."""

from __future__ import annotations

from pathlib import Path

import pytest

import studio.demo


def test_only_what_an_earlier_demo_made_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def add(*_: object, **__: object) -> None:
        raise InterruptedError

    monkeypatch.setattr(studio.demo, "add_from_photos", add)
    mine, old = tmp_path / "home" / "diary.txt", tmp_path / "home" / "subjects" / "mira"
    old.mkdir(parents=True)
    mine.touch()
    with pytest.raises(InterruptedError):
        studio.demo.run_demo(tmp_path, seed=0)
    assert mine.exists()
    assert not old.exists()


def test_what_an_earlier_demo_was_deleting_is_gone_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    going = tmp_path / "home" / "subjects" / ".going.mira"
    going.mkdir(parents=True)

    def add(*_: object, **__: object) -> None:
        assert not going.exists()
        raise InterruptedError

    monkeypatch.setattr(studio.demo, "add_from_photos", add)
    with pytest.raises(InterruptedError):
        studio.demo.run_demo(tmp_path, seed=0)
