"""Loading a base: whatever a library raises on the way ends as one clear line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from bases.errors import BaseModelError, BrokenBase


@contextmanager
def loading(source: str) -> Iterator[None]:
    """Load parts of the base at `source`, a folder or a name on the hub.

    Raises:
        BrokenBase: if that goes wrong. Diffusers, transformers and safetensors raise more kinds of
            errors than can be listed for files that are damaged or do not fit each other. Memory
            that runs out is another matter: see `fitting`.
    """
    try:
        yield
    except (BaseModelError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:200].rstrip(".")
        remedy = (
            "copy or download it again"
            if Path(source).is_dir()
            else "if it is not on this machine yet, connect to the network; or give a folder in "
            "diffusers' layout with --base"
        )
        raise BrokenBase(
            f"The base {source!r} cannot be loaded ({type(error).__name__}: {said}): {remedy}."
        ) from error
