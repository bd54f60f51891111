"""What does not fit into memory, said so that it can be made to fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from bases.catalogue import Base
from bases.errors import TooLarge

GIGABYTE = 1e9


@contextmanager
def fitting(base: Base, remedy: str) -> Iterator[None]:
    """Work with a base.

    Args:
        base: which.
        remedy: what a user can do so that less memory is needed.

    Raises:
        TooLarge: if the memory runs out.
    """
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        weights = weight(Path(base.source)) / GIGABYTE
        raise TooLarge(
            f"The base {base.name!r} and what is done with it do not fit into {_memory()}: its "
            f"largest part alone weighs {weights:.1f} GB. {remedy}"
        ) from error


def weight(folder: Path) -> int:
    """Bytes of the heaviest part of a base in a folder, as its files have it."""
    parts = (part.glob("*.safetensors") for part in folder.iterdir() if part.is_dir())
    return max((sum(file.stat().st_size for file in files) for files in parts), default=0)


def _memory() -> str:
    if not torch.cuda.is_available():
        return "this machine's memory"
    free, total = torch.cuda.mem_get_info()
    name = torch.cuda.get_device_name()
    return f"the {name}'s {total / GIGABYTE:.0f} GB, of which {free / GIGABYTE:.0f} are free"
