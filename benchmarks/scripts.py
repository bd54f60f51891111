"""How a script of this folder is run: its function's arguments on the command line."""

from __future__ import annotations

from collections.abc import Callable

from jsonargparse import auto_cli

from studio.ending import end


def run_script(script: Callable[..., None]) -> None:
    """Run a script with the command line's arguments; what a user can mend is said in one line."""
    try:
        auto_cli(script, as_positional=False)
    except Exception as error:
        end(error)
