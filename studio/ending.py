"""How the command ends when it cannot go on: one line that says why, and an exit code."""

from __future__ import annotations

import errno
import sys
from typing import Any, NoReturn

import typer

from studio.home import StudioError
from studio.printing import printable

MENDABLE, CTRL_C = 2, 130
# The parser's own error, which typer takes from click or carries inside.
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def fail(message: str, *, status: int = MENDABLE) -> NoReturn:
    """Say in one line what was wrong, and leave."""
    print(f"starring: {printable(' '.join(message.split()))}", file=sys.stderr)
    raise SystemExit(status)


def end(error: Exception) -> NoReturn:
    """Leave with what a user can mend in one line.

    Raises:
        Exception: the error itself, if it is not a user's to mend.
    """
    if isinstance(error, _UsageError):
        _refuse(error)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        fail(f"The disk is full ({error.filename or 'no file named'}): free some space.")
    if isinstance(error, OSError) and error.filename is not None:
        fail(f"{error.filename!r} cannot be used ({error.strerror}): give another path.")
    if _is_ours(error):
        stopped = type(error).__name__ == "TrainingStopped"
        fail(str(error), status=CTRL_C if stopped else MENDABLE)
    raise error


def _refuse(error: Any) -> NoReturn:
    """Answer a command line that cannot be understood; without any words, help is the answer."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        raise SystemExit(error.exit_code)
    command = error.ctx.command_path if error.ctx else "starring"
    said = error.format_message().rstrip(".")
    fail(f"{said}. '{command} --help' says what is allowed.")


def _is_ours(error: Exception) -> bool:
    """Whether an error belongs to one of our trees, without importing what was not needed."""
    roots: Any = [
        getattr(sys.modules.get(module), name, ())
        for module, name in (
            ("bases.errors", "BaseModelError"),
            ("subjects.errors", "SubjectError"),
            ("finetune.errors", "AdapterError"),
            ("inference.errors", "RenderError"),
        )
    ]
    return isinstance(error, (StudioError, *filter(None, roots)))
