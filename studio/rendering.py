"""What `starring render` does: find the adapter, render, write, measure."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from bases.catalogue import Base
from bases.errors import UnknownBase
from bases.families import family_of
from bases.hub import open_base
from bases.video import Frames, write_mp4
from finetune.adapter import Adapter
from finetune.examples import photos_digest
from inference.clip import Clip, check_pictures, settings_of
from inference.likeness import Likeness, motion
from inference.render import Renderer
from studio.home import StudioError
from studio.licences import ask
from studio.noting import is_anothers, is_here, note_files
from studio.places import check_log
from studio.printing import printable, say
from studio.quiet import hush
from studio.tables import show_table
from studio.yardstick import Yardstick, turned_away, yardstick_of
from subjects import Subject, UnknownSubjectError, with_article


def base_of(run: dict[str, Any]) -> Base:
    """The base that an adapter's record names, in the revision that it was trained on.

    One that was in a folder is looked for there first, and then by its name, as are all others: a
    folder may be called as another base is.

    Raises:
        UnknownBase: if it is neither known nor there any more.
    """
    known, revision = run["base"], run["base"].get("revision")
    source = Path(known["source"])
    if source.is_absolute() and source.is_dir():
        return open_base(known["source"])
    try:
        return open_base(f"{known['name']}@{revision}" if revision else known["name"])
    except UnknownBase:
        return open_base(known["source"])


def render_and_measure(
    folder: Path,
    prompt: str,
    path: Path,
    *,
    clip: Clip,
    scale: float,
    base: str | None,
    faces: str | None,
    home: Path,
    pictures: Sequence[str] = (),
) -> None:
    """Render a clip into a file and print what was measured.

    Args:
        folder: the adapter's.
        prompt: what the subject does; the trigger word is put before it if it is not there.
        path: the clip's file, which can be written.
        clip: size, length, guidance and seed.
        scale: how strongly the adapter counts.
        base: name or folder of the base; the adapter's own if not given.
        faces: the face package that measures; the subject's own if None.
        home: where everything lives.
        pictures: names of the subject's photos, for a base that is shown some; its first ones, as
            many as the adapter was trained with, if none are given.

    Raises:
        StudioError: if the prompt is no text, or the subject is deleted meanwhile.
        SubjectError: if the face package cannot be opened, or a photo of the subject's be read.
    """
    for text in (prompt, clip.negative):
        _check_text(text)
    hush()
    adapter = Adapter(folder)
    run = adapter.run
    if base:
        ask(base)
    opened = open_base(base) if base else base_of(run)
    adapter.check(opened.fingerprint, opened.name)
    name = run["subject"]["name"]
    full = with_trigger(prompt, run["subject"]["trigger"], run["subject"]["noun"])
    settings = settings_of(opened, full, clip)
    shown = shown_to(opened, adapter, home, pictures)
    was_here, anothers = is_here(home, name), is_anothers(adapter, home)
    if was_here and not anothers:
        check_log(home, name)
    yardstick = None if anothers else _yardstick(name, home, faces)
    if anothers:
        say(
            f"Note: this adapter learnt other photos than {name!r} has here: likeness will not be "
            "measured, and the clip will not be deleted with that subject."
        )
    if clip.frames and clip.frames != settings["num_frames"]:
        say(f"Note: of {clip.frames} frames this base draws {settings['num_frames']}.")
    renderer = Renderer(opened)
    with renderer.adapter(adapter, scale):
        frames = renderer.render(full, clip, shown)
    if was_here and not is_here(home, name):
        raise StudioError(f"{name!r} was deleted while its clip was drawn: nothing was written.")
    trained_on = {key: run["base"][key] for key in ("name", "fingerprint")}
    if shown:
        settings["pictures"] = [sha256(picture.tobytes()).hexdigest()[:12] for picture in shown]
    made = {**settings, "base": trained_on, "adapter": adapter.folder.name, "scale": scale}
    if path.exists():
        say(f"Note: the clip that was {path} is replaced.")
    write_mp4(path, frames, fps=renderer.base.fps, settings=made)
    if not anothers:
        note_files(home, name, "rendered", [path], prompt=full)
    _show_measures(frames, yardstick)


def shown_to(
    base: Base, adapter: Adapter, home: Path, wanted: Sequence[str] = ()
) -> list[Image.Image]:
    """The pictures that come with a prompt: photos of the subject, and of nobody else.

    Args:
        base: that is shown them, if it takes any.
        adapter: whose record says with how many it was trained.
        home: where subjects live.
        wanted: names of photos; the first ones if none are given.

    Raises:
        RenderError: if the base takes none, or not as many.
        StudioError: if a name is not one of the photos that are learnt from.
        SubjectError: if the subject is not here, or a photo cannot be read.
    """
    if not family_of(base).pictures:
        check_pictures(base, len(wanted))
        return []
    run = adapter.run
    subject = Subject.load(home, run["subject"]["name"])
    photos = {photo.path.name: photo for photo in subject.learnt}
    if unknown := [name for name in wanted if name not in photos]:
        raise StudioError(
            f"--picture {unknown[0]!r} is none of the photos that the subject is learnt from: "
            f"{', '.join(photos)}."
        )
    if photos_digest(subject) != run["photos"]["digest"]:
        say(f"Note: the photos of {subject.name!r} are others than this adapter was trained on.")
    trained_with = run["experts"][0]["config"]["data"]["pictures"]
    chosen = wanted or list(photos)[:trained_with]
    check_pictures(base, len(chosen))
    return [photos[name].open() for name in chosen]


def _check_text(prompt: str) -> None:
    try:
        prompt.encode()
    except UnicodeEncodeError as error:
        raise StudioError(
            f"The prompt {printable(prompt)!r} holds bytes that are no text in UTF-8: type it anew."
        ) from error


def _yardstick(name: str, home: Path, faces: str | None) -> Yardstick | None:
    """What measures likeness; None where nothing does, or the subject is not here."""
    try:
        subject = Subject.load(home, name)
    except UnknownSubjectError as error:
        say(f"Note: likeness will not be measured: {error}")
        return None
    return yardstick_of(subject, faces)


def _show_measures(frames: Frames, yardstick: Yardstick | None) -> None:
    moved = ("motion a frame", f"{motion(frames):.4f} of the height")
    if not yardstick:
        show_table(("measure", "value"), [moved])
        return
    found = yardstick.likeness(frames)
    show_table(("measure", "value"), [*_likeness_rows(found, yardstick), moved])
    if advice := turned_away(found):
        say(advice)


def _likeness_rows(found: Likeness, yardstick: Yardstick) -> list[tuple[str, str]]:
    best, seen = yardstick.ceiling, found.worst_frame is not None
    return [
        ("likeness, median", f"{found.median:.2f}" if seen else "–"),
        ("the photos' own ceiling", "–" if best is None else f"{best:.2f}"),
        ("worst frame", f"{found.worst:.2f} (frame {found.worst_frame})" if seen else "–"),
        *([("frames with a face", f"{found.detected:.0%}")] if yardstick.face else []),
    ]


def with_trigger(prompt: str, trigger: str, noun: str) -> str:
    """The prompt with the subject in front, unless it names the subject itself or is empty."""
    if not prompt.strip() or trigger.lower() in prompt.lower().replace(",", " ").split():
        return prompt
    return f"{trigger}, {with_article(noun)}, {prompt}"
