"""Changing, packing and deleting a subject that is there."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from studio.home import StudioError
from studio.noting import note_files
from studio.printing import say
from subjects import (
    Subject,
    delete_subject,
    edit_subject,
    pack,
)
from subjects.deletion import to_delete
from subjects.editing import copy_to_edit, take_edited
from subjects.subject import folder_of


def edit_by_words(
    name: str,
    captions: list[str],
    verdicts: list[str],
    *,
    trigger: str | None,
    noun: str | None,
    home: Path,
) -> Subject:
    """Change a subject as options say: each "0001.png=text".

    Raises:
        StudioError: if an option has no "=".
        SubjectError: if the subject or a photo is unknown, or a word is not allowed.
    """
    return edit_subject(
        Subject.load(home, name),
        home=home,
        captions=_pairs("--caption", captions),
        verdicts=_pairs("--verdict", verdicts),
        trigger=trigger,
        class_noun=noun,
    )


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    for text in given:
        if "=" not in text:
            raise StudioError(f"{option} {text!r}: write it as PHOTO=…, such as '0001.png=…'.")
    return dict(text.split("=", 1) for text in given)


def edit_in_editor(name: str, *, home: Path) -> Subject | None:
    """Let a person edit the captions and verdicts in the editor of their choice.

    Returns:
        the subject as it then is; None if nothing was changed.

    Raises:
        StudioError: if there is no terminal to open it on, or the editor fails.
        SubjectError: if what was written cannot be understood; it can be mended the same way.
    """
    folder = folder_of(home, name)
    if not (folder / "subject.yaml").is_file():
        Subject.load(home, name)
    if not sys.stdin.isatty():
        raise StudioError(
            "An editor needs a terminal: give --caption, --verdict, --trigger or --noun."
        )
    copy = copy_to_edit(folder)
    try:
        click.edit(filename=str(copy))
    except click.ClickException as error:
        raise StudioError(
            f"{error.message} Name another editor in EDITOR, or give --caption, --verdict, "
            "--trigger or --noun."
        ) from error
    return edit_subject(Subject.load(home, name), home=home) if take_edited(folder, copy) else None


def pack_into(name: str, path: Path, *, home: Path) -> None:
    """Pack a subject, and let its log say where to.

    Raises:
        StudioError: if the file's name does not end in .zip.
        SubjectError: if there is no such subject, or the file cannot be written.
    """
    if path.suffix != ".zip":
        raise StudioError(f"{str(path)!r} must end in .zip: give such a name with --out.")
    subject = Subject.load(home, name)
    pack(subject, path, home)
    note_files(home, name, "packed", [path])


def delete_for_good(name: str, *, sure: bool, home: Path) -> bool:
    """Delete a subject once somebody said so, and print what is gone; returns whether all is.

    Raises:
        StudioError: if nobody did.
        SubjectError: if there is no such subject, or something cannot be removed.
    """
    if not sure:
        going = to_delete(home, name)
        if not sys.stdin.isatty():
            raise StudioError(f"Deleting {name!r} cannot be undone: say so with --yes.")
        say("This deletes:", *(f"  {path}" for path in going))
        if input(f"Delete {name!r} and everything made of it (type its name)? ").strip() != name:
            raise StudioError(f"{name!r} was not typed: nothing was deleted.")
    deleted = delete_subject(home, name)
    say(*(f"Deleted {path}" for path in deleted.removed))
    say(*(f"Note: {warning}" for warning in deleted.warnings))
    return not deleted.warnings
