"""What a base's licence asks, put to whoever sits at the terminal."""

from __future__ import annotations

import sys

import typer

from bases.catalogue import find_base
from bases.hub import split_revision
from bases.licence import is_answered, keep_answer
from studio.home import StudioError
from studio.printing import say


def accept(name: str) -> None:
    """Show what a base's licence asks, and record that it is so.

    Raises:
        StudioError: if it asks nothing.
    """
    question = find_base(split_revision(name)[0]).question
    if question is None:
        raise StudioError(f"The licence of {name!r} asks nothing: use it as it is.")
    say(*question.text.splitlines(), "", f"Recorded in {keep_answer(question)}.")


def ask(name: str) -> None:
    """Put a base's question, where it has one, to a person who can answer it.

    Raises:
        StudioError: if the answer is no.
    """
    question = find_base(split_revision(name)[0]).question
    if question is None or is_answered(question) or not sys.stdin.isatty():
        return
    say(*question.text.splitlines())
    if not typer.confirm("Is that so?"):
        raise StudioError(f"Without that, {question.model!r} may not be used: choose another base.")
    keep_answer(question)
