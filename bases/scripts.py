"""How a script is run: its function's arguments on the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jsonargparse import auto_cli
from jsonargparse.typing import restricted_number_type

from bases.errors import BaseModelError

if TYPE_CHECKING:
    Seed = int
else:
    Seed = restricted_number_type("Seed", int, [(">=", 0), ("<", 2**63)], join="and")


def run_script(script: Callable[..., None]) -> None:
    """Run a script with the command line's arguments; what a user can mend is said in one line."""
    try:
        auto_cli(script, as_positional=False)
    except (BaseModelError, OSError) as error:
        raise SystemExit(f"{error}") from None
