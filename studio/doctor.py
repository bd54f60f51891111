"""What `starring doctor` checks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from studio.home import home_folder
from studio.places import check_home
from studio.tables import show_table


def examine() -> bool:
    """Run every check and print what it found; False if something is missing."""
    rows, well = [], True
    for name, check in _CHECKS.items():
        try:
            rows.append((name, "ok", check()))
        except Exception as error:  # a check that fails in any way is what is looked for
            well = False
            rows.append((name, "FAILS", " ".join(str(error).split())[:200]))
    show_table(("part", "state", "detail"), rows)
    return well


def _processor() -> str:
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB"
    return f"no GPU; {torch.get_num_threads()} CPU threads, enough for the base 'pocket'"


def _libraries() -> str:
    names = ("torch", "diffusers", "transformers", "peft", "pytorch-lightning", "insightface")
    return ", ".join(f"{name} {version(name)}" for name in names)


def _pocket() -> str:
    from bases.catalogue import find_base
    from bases.families import family_of

    _ = family_of(find_base("pocket")).grid
    return "its parts are complete"


def _faces() -> str:
    from studio.onlookers import face_finder

    face_finder("pocket")
    return "the embedded face package loads"


def _video() -> str:
    import numpy as np

    from bases.video import read_mp4, write_mp4

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.mp4"
        write_mp4(path, np.zeros((5, 64, 64, 3), np.uint8), fps=16)
        frames, _ = read_mp4(path)
    return f"H.264 written and read, {len(frames)} frames"


def _space() -> str:
    home = home_folder(None)
    check_home(home)
    there = next(p for p in (home, *home.parents) if p.exists())
    free = shutil.disk_usage(there).free / 2**30
    if free < 1:
        raise OSError(f"only {free:.2f} GiB free in {there}")
    return f"{home}, {free:.0f} GiB free"


_CHECKS: dict[str, Callable[[], str]] = {
    "processor": _processor,
    "libraries": _libraries,
    "pocket base": _pocket,
    "faces": _faces,
    "video": _video,
    "home": _space,
}
