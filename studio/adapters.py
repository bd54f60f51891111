"""Where adapters are found, known before anything large is imported."""

from __future__ import annotations

from pathlib import Path

from studio.home import StudioError


def adapter_folder(name: str, home: Path) -> Path:
    """An adapter by its folder, or by its name in the home.

    Raises:
        StudioError: if there is none.
    """
    adapters = home / "adapters"
    for folder in (adapters / name, Path(name)):
        if (folder / "run.json").is_file():
            return folder
    broken = adapters / name
    if broken.is_dir() and broken.resolve().parent == adapters.resolve():
        raise StudioError(
            f"The adapter {str(broken)!r} lacks run.json, which says of whom it is and on which "
            "base: put that file back, or train anew with 'starring train SUBJECT --output.force "
            "true'."
        )
    known = sorted(p.parent.name for p in home.glob("adapters/[!.]*/run.json"))
    raise StudioError(
        f"There is no adapter {name!r}; known are: {', '.join(known) or 'none yet'}. "
        "Train one with 'starring train SUBJECT'."
    )
