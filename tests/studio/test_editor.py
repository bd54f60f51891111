"""What a person writes in an editor counts once it is understood, and is lost in no case."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from subjects import Subject

Edit = Callable[[str], None]


@pytest.fixture
def lines(home: Path) -> Path:
    return home / "subjects" / "toto" / "photos" / "metadata.jsonl"


@pytest.fixture
def edit_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edit:
    """Makes the editor a Python program that changes the text `text` of what it is given."""

    def choose(program: str) -> None:
        script = tmp_path / "editor.py"
        script.write_text(
            "import pathlib, sys\n"
            "path = pathlib.Path(sys.argv[1])\n"
            f"text = path.read_text()\n{program}\npath.write_text(text)\n"
        )
        monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("VISUAL", raising=False)
    return choose


def test_what_was_edited_counts(accepted: Callable[..., str], home: Path, edit_with: Edit) -> None:
    edit_with("text = text.replace('toto', 'toto at the sea')")
    assert "Changed" in accepted("subject", "edit", "toto", "--home", home)
    assert all("at the sea" in photo.caption for photo in Subject.load(home, "toto").photos)


def test_an_editor_that_was_left_without_a_change(
    accepted: Callable[..., str], home: Path, lines: Path, edit_with: Edit
) -> None:
    before = lines.read_bytes()
    edit_with("")
    assert "Nothing was changed" in accepted("subject", "edit", "toto", "--home", home)
    assert lines.read_bytes() == before
    assert not list(lines.parents[1].glob("metadata.*.jsonl"))


def test_a_slip_is_mended_where_it_was_made(
    accepted: Callable[..., str],
    refused: Callable[..., str],
    home: Path,
    lines: Path,
    edit_with: Edit,
) -> None:
    before = lines.read_bytes()
    edit_with("text = text.replace('toto', 'toto in the rain').replace('{', '[', 1)")
    line = refused("subject", "edit", "toto", "--home", home)
    assert "line 1" in line
    assert "give the same command again" in line
    assert lines.read_bytes() == before
    edit_with("text = text.replace('[', '{', 1)")
    accepted("subject", "edit", "toto", "--home", home)
    assert all("in the rain" in photo.caption for photo in Subject.load(home, "toto").photos)
    assert not list(lines.parents[1].glob("metadata.*.jsonl"))


def test_an_empty_save_keeps_all_captions(
    refused: Callable[..., str], home: Path, lines: Path, edit_with: Edit
) -> None:
    before = lines.read_bytes()
    edit_with("text = ''")
    assert "no photo would be left" in refused("subject", "edit", "toto", "--home", home)
    assert lines.read_bytes() == before


def test_a_slip_outlives_another_answer_about_consent(
    accepted: Callable[..., str], refused: Callable[..., str], home: Path, edit_with: Edit
) -> None:
    edit_with("text = text.replace('toto', 'toto in the rain').replace('{', '[', 1)")
    refused("subject", "edit", "toto", "--home", home)
    Subject.load(home, "toto").save()
    edit_with("text = text.replace('[', '{', 1)")
    accepted("subject", "edit", "toto", "--home", home)
    assert all("in the rain" in photo.caption for photo in Subject.load(home, "toto").photos)


def test_what_was_changed_otherwise_meanwhile_is_not_written_over(
    accepted: Callable[..., str],
    refused: Callable[..., str],
    home: Path,
    lines: Path,
    edit_with: Edit,
) -> None:
    edit_with(
        f"kept = pathlib.Path({str(lines)!r}); "
        "kept.write_text(kept.read_text().replace('toto', 'toto, at night', 1)); "
        "text = text.replace('toto', 'toto in the rain')"
    )
    line = refused("subject", "edit", "toto", "--home", home)
    assert "the captions were changed otherwise since" in line
    assert "at night" in Subject.load(home, "toto").photos[0].caption
    edit_with("")
    assert refused("subject", "edit", "toto", "--home", home) == line
    (copy,) = lines.parents[1].glob("metadata.*.jsonl")
    assert "in the rain" in copy.read_text()
    copy.unlink()
    assert "Nothing was changed" in accepted("subject", "edit", "toto", "--home", home)


@pytest.mark.parametrize("save", ["path.unlink(); raise SystemExit", "path.write_bytes(b'\\xe9')"])
def test_a_copy_that_cannot_be_read_leaves_the_captions(
    refused: Callable[..., str], home: Path, lines: Path, edit_with: Edit, save: str
) -> None:
    before = lines.read_bytes()
    edit_with(f"{save}; raise SystemExit")
    line = refused("subject", "edit", "toto", "--home", home)
    assert "Save it there, as UTF-8" in line
    assert lines.read_bytes() == before


def test_captions_that_are_missing_are_not_taken_for_a_full_disk(
    refused: Callable[..., str], home: Path, lines: Path, edit_with: Edit
) -> None:
    lines.unlink()
    edit_with("")
    assert "metadata.jsonl' cannot be read" in refused("subject", "edit", "toto", "--home", home)


@pytest.mark.parametrize("editor", ["false", "no-such-editor"])
def test_an_editor_that_fails_is_said_in_one_line(
    refused: Callable[..., str],
    home: Path,
    edit_with: Edit,
    monkeypatch: pytest.MonkeyPatch,
    editor: str,
) -> None:
    monkeypatch.setenv("EDITOR", editor)
    line = refused("subject", "edit", "toto", "--home", home)
    assert editor in line
    assert "Name another editor in EDITOR" in line
