"""Limits of settings, checked where the settings are used, and named as they are given."""

from __future__ import annotations

from finetune.errors import TrainingError

LARGEST_SEED = 2**63 - 1
MOST = 10_000
"""Photos or clips a step or in a pool, a rank, or pixels a side: more than any machine holds."""


def at_least(lowest: float, section: str, **settings: float) -> None:
    """Refuse settings under a limit, and those that are no number.

    Raises:
        TrainingError: for the first of them.
    """
    for name, value in settings.items():
        if not lowest <= value < float("inf"):
            raise TrainingError(
                f"{section}.{name}={value!r} does not fit: it must be a number, at least "
                f"{lowest!r}."
            )


def above(limit: float, section: str, **settings: float) -> None:
    """Refuse settings that are not above a limit, and those that are no number.

    Raises:
        TrainingError: for the first of them.
    """
    for name, value in settings.items():
        if not limit < value < float("inf"):
            raise TrainingError(
                f"{section}.{name}={value!r} does not fit: it must be a number above {limit!r}."
            )


def at_most(highest: float, section: str, **settings: float) -> None:
    """Refuse settings over a limit.

    Raises:
        TrainingError: for the first of them.
    """
    for name, value in settings.items():
        if not value <= highest:
            raise TrainingError(
                f"{section}.{name}={value!r} does not fit: it must be at most {highest!r}."
            )
