"""Where adapters are found, known before anything large is imported."""

from __future__ import annotations

from pathlib import Path

from studio.home import StudioError


def adapter_folder(name: str, home: Path) -> Path:
    """An adapter by its folder, or by its name in the home.

    Raises:
        StudioError: if there is none.
    """
    folders = (home / "adapters" / name, Path(name))
    for folder in folders:
        if (folder / "run.json").is_file():
            return folder
    if broken := [folder for folder in folders if any(folder.glob("adapter*.safetensors"))]:
        raise StudioError(
            f"The adapter {str(broken[0])!r} lacks run.json, which says of whom it is and on which "
            "base: put that file back, or train anew with 'starring train SUBJECT --output.force "
            "true'."
        )
    known = sorted(p.parent.name for p in home.glob("adapters/[!.]*/run.json"))
    raise StudioError(
        f"There is no adapter {name!r}; known are: {', '.join(known) or 'none yet'}. "
        f"Train it with 'starring train {name}'."
    )
