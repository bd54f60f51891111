"""What `starring render` does: find the adapter, render, write, measure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bases.catalogue import Base, find_base
from bases.errors import UnknownBase
from bases.video import write_mp4
from finetune.adapter import Adapter
from inference.likeness import ceiling, clip_embeddings, likeness, motion
from inference.render import Clip, Renderer
from studio.home import StudioError
from studio.quiet import hush
from studio.subjects import face_finder
from studio.tables import show_table
from subjects import Subject, SubjectError, with_article


def find_adapter(name: str, home: Path) -> Adapter:
    """An adapter by its folder, or by its name in the home.

    Raises:
        StudioError: if there is none.
    """
    for folder in (home / "adapters" / name, Path(name)):
        if (folder / "run.json").is_file():
            return Adapter(folder)
    known = sorted(p.parent.name for p in home.glob("adapters/[!.]*/run.json"))
    raise StudioError(
        f"There is no adapter {name!r}; known are: {', '.join(known) or 'none yet'}. "
        f"Train it with 'starring train {name}'."
    )


def base_of(run: dict[str, Any]) -> Base:
    """The base that an adapter's record names: by its name, or else by where it was.

    Raises:
        UnknownBase: if it is neither known nor there any more.
    """
    try:
        return find_base(run["base"]["name"])
    except UnknownBase:
        return find_base(run["base"]["source"])


def render_and_measure(
    name: str,
    prompt: str,
    path: Path,
    *,
    clip: Clip,
    scale: float,
    base: str | None,
    faces: str,
    home: Path,
) -> None:
    """Render a clip into a file and print what was measured.

    Args:
        name: the adapter, by name or folder.
        prompt: what the subject does; the trigger word is put before it if it is not there.
        path: the clip's file, ending in .mp4.
        clip: size, length and seed.
        scale: how strongly the adapter counts.
        base: name or folder of the base; the adapter's own if not given.
        faces: the face package that measures.
        home: where everything lives.

    Raises:
        StudioError: if the file's name does not end in .mp4, or there is no such adapter.
    """
    if path.suffix.lower() != ".mp4":
        raise StudioError(f"{str(path)!r} cannot be written: a clip's name ends in .mp4.")
    hush()
    adapter = find_adapter(name, home)
    run = adapter.run
    renderer = Renderer(find_base(base) if base else base_of(run))
    full = with_trigger(prompt, run["subject"]["trigger"], run["subject"]["noun"])
    settings = renderer.settings(full if prompt.strip() else prompt, clip)
    with renderer.adapter(adapter, scale):
        frames = renderer.render(full, clip)
    made = {**settings, "base": run["base"], "adapter": adapter.folder.name, "scale": scale}
    write_mp4(path, frames, fps=renderer.base.fps, settings=made)
    try:
        subject = Subject.load(home, run["subject"]["name"])
    except SubjectError:
        return
    if subject.kind == "person":
        finder = face_finder(faces)
        photos = subject.face_embeddings(finder)
        found = likeness(clip_embeddings(frames, finder), photos)
        best = ceiling(photos)
        rows = [
            ("likeness, median", f"{found.median:.2f}"),
            ("the photos' own ceiling", "–" if best is None else f"{best:.2f}"),
            ("worst frame", f"{found.worst:.2f} (frame {found.worst_frame})"),
            ("frames with a face", f"{found.detected:.0%}"),
            ("motion a frame", f"{motion(frames):.4f} of the height"),
        ]
        show_table(("measure", "value"), rows)


def with_trigger(prompt: str, trigger: str, noun: str) -> str:
    """The prompt with the subject in front, unless it names the subject itself."""
    if trigger.lower() in prompt.lower().replace(",", " ").split():
        return prompt
    return f"{trigger}, {with_article(noun)}, {prompt}"
