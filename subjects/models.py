"""Models: folders of transformers' models on this machine, opened without running their code."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from subjects.errors import SubjectError

OFFLINE: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
"""How `from_pretrained` neither downloads anything nor runs code of the folder."""

_SMALL = 5_000_000
"""Parameters."""


@contextmanager
def asked(model: Any) -> Iterator[None]:
    """Ask a model, without gradients; a small one in one thread.

    Threads that wait for each other wait long where decoders keep all cores busy: a picture then
    takes a small model ten times as long in two threads as in one.
    """
    import torch

    threads = torch.get_num_threads()
    small = sum(weight.numel() for weight in model.parameters()) < _SMALL
    if small:
        torch.set_num_threads(1)
    try:
        with torch.no_grad():
            yield
    finally:
        if small:
            torch.set_num_threads(threads)


def opened(
    folder: Path | str,
    opener: Callable[[Path], tuple[Any, Any]],
    error: type[SubjectError],
    *,
    does: str,
    such_as: str,
) -> tuple[Any, Any]:
    """The processor and the model in a folder.

    Args:
        folder: as `save_pretrained` writes it.
        opener: opens both, and raises anything if they are not what is wanted.
        error: to raise then.
        does: what such a model does, such as "describes pictures".
        such_as: some that would do.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise error(
            f"there is no folder {str(folder)!r}: give that of a model that {does}, such as "
            f"{such_as}, or leave it out."
        )
    if not (folder / "config.json").is_file():
        raise error(
            f"{str(folder)!r} holds no config.json, so it is no model's folder: give one as "
            f"save_pretrained or 'hf download' writes it, such as {such_as}, or leave it out."
        )
    try:
        return opener(folder)
    except Exception as fault:  # a damaged file can make the loader raise almost anything
        said = textwrap.shorten(str(fault), 120, placeholder=" …").rstrip(".")
        raise error(
            f"{str(folder)!r} cannot be opened as a model that {does} ({said}): give another, such "
            f"as {such_as}, or leave it out."
        ) from fault
