"""What `starring export` does: an adapter's files, written for another program."""

from __future__ import annotations

from pathlib import Path

from bases.families import family_of
from finetune.adapter import Adapter
from finetune.formats import check_format, export
from studio.home import StudioError
from studio.noting import is_anothers, note_files
from studio.places import ADAPTER, check_ending, check_file, check_home, check_log
from studio.printing import say
from studio.quiet import hush
from studio.rendering import base_of


def export_adapter(folder: Path, *, style: str, out: Path | None, home: Path) -> list[Path]:
    """Write one file for each expert and print what was found when it was read back.

    Args:
        folder: the adapter's.
        style: one of `finetune.formats.FORMATS`.
        out: the file; the adapter's name and the format in this folder if not given. An expert's
            name is put before its ending.
        home: where everything lives.

    Returns:
        the files.

    Raises:
        StudioError: if the file cannot be written.
        AdapterError: if the format is unknown, or the adapter cannot be said in it.
    """
    hush()
    check_format(style)
    suffix = "" if style == "diffusers" else f"-{style}"
    target = out or Path(f"{folder.resolve().name}{suffix}.safetensors")
    check_home(home)
    check_ending(target, ADAPTER)
    adapter = Adapter(folder)
    run = adapter.run
    adapter.check_weights()
    family, anothers = family_of(base_of(run)), is_anothers(adapter, home)
    if not anothers:
        check_log(home, run["subject"]["name"])
    paths = [
        target.with_stem("_".join(filter(None, (target.stem, expert["name"]))))
        for expert in run["experts"]
    ]
    for path in paths:
        check_file(path, home, ADAPTER)
    for expert, path in zip(run["experts"], paths, strict=True):
        if path.exists():
            say(f"Note: the export that was {path} is replaced.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            size = export(
                adapter.folder / expert["file"], path, style=style, family=family, run=run
            )
        except OSError as error:
            raise StudioError(
                f"{str(path)!r} cannot be written ({error.strerror or error}): give --out a name "
                "in a folder where you may write."
            ) from error
        say(f"{path}: {expert['tensors']} tensors, all read back; size of the change {size:.3f}")
        if not anothers:
            note_files(home, run["subject"]["name"], "exported", [path], format=style)
    return paths
