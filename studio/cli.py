"""The `starring` command."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn, Optional

import typer

from studio.home import StudioError, check_imports, home_folder

app = typer.Typer(
    name="starring",
    help="Put a subject in a video: photos train an adapter, the adapter renders the subject.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
subject_app = typer.Typer(help="Add and look at subjects.", no_args_is_help=True)
app.add_typer(subject_app, name="subject")

Home = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads this at run time
    typer.Option(help="Where subjects and adapters live; STARRING_HOME, or the data folder."),
]
Faces = Annotated[
    str,
    typer.Option(help="Face package for insightface, by folder or name; 'pocket' knows drawings."),
]


@subject_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call the subject.")],
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    kind: Annotated[str, typer.Option(help="person, pet or object.")] = "person",
    consent: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="self, authorised or synthetic; asked for on a terminal if not given."),
    ] = None,
    whose: Annotated[str, typer.Option(help="Whose likeness it is; the name if not given.")] = "",
    noun: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="What it is, such as 'dog'; the kind if not given."),
    ] = None,
    faces: Faces = "pocket",
    home: Home = None,
) -> None:
    """Audit photos and make a subject of them."""
    from studio.subjects import add_from_photos, show_subject

    subject = add_from_photos(
        name,
        photos,
        kind=kind,
        ground=consent,
        whose=whose or name,
        noun=noun,
        faces=faces,
        home=home_folder(home),
    )
    show_subject(subject)
    print(f"\nWrote {subject.folder}.\nNext: starring train {name}")


@subject_app.command("show")
def show(name: Annotated[str, typer.Argument(help="The subject.")], home: Home = None) -> None:
    """Show each photo's verdict and why."""
    from studio.subjects import show_subject
    from subjects import Subject

    subject = Subject.load(home_folder(home), name)
    show_subject(subject)
    print(
        f"\nCaptions: {subject.folder / 'photos' / 'metadata.jsonl'}\nNext: starring train {name}"
    )


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The subject.")],
    base: Annotated[str, typer.Option(help="Name of a base, or its folder.")] = "pocket",
    config: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="A YAML with settings; the base's own recipe if not given."),
    ] = None,
    faces: Faces = "pocket",
    home: Home = None,
) -> None:
    """Train an adapter; any setting can follow, such as --model.lr 1e-4 --trainer.max_steps 500."""
    from studio.training import train_and_measure

    adapter = train_and_measure(
        name,
        base=base,
        config=config,
        extra=context.args,
        faces=faces,
        home=home_folder(home),
    )
    print(
        f'\nWrote {adapter.folder}.\nNext: starring render {name} "waving at the beach, close-up"'
    )


@app.command()
def render(
    name: Annotated[str, typer.Argument(help="An adapter, by name or folder.")],
    prompt: Annotated[str, typer.Argument(help="What the subject does, and where.")],
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="The clip's file; NAME.mp4 if not given."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed gives another clip.")] = 0,
    scale: Annotated[float, typer.Option(help="How strongly the adapter counts.")] = 1.0,
    base: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Name or folder of the base; the adapter's own if not given."),
    ] = None,
    frames: Annotated[Optional[int], typer.Option(help="Frames of the clip.")] = None,  # noqa: UP045
    steps: Annotated[Optional[int], typer.Option(help="Denoising steps.")] = None,  # noqa: UP045
    guidance: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(help="How closely to follow the prompt."),
    ] = None,
    faces: Faces = "pocket",
    home: Home = None,
) -> None:
    """Render the subject doing what the prompt says, and measure its likeness."""
    from inference.render import Clip
    from studio.rendering import render_and_measure

    path = out or Path(f"{Path(name).name}.mp4")
    render_and_measure(
        name,
        prompt,
        path,
        clip=Clip(frames=frames, steps=steps, guidance=guidance, seed=seed),
        scale=scale,
        base=base,
        faces=faces,
        home=home_folder(home),
    )
    print(f"\nWrote {path}.\nNext: open it, or try another --seed.")


@app.command()
def bases() -> None:
    """List the bases that are known by name."""
    from bases.catalogue import BASES
    from studio.tables import show_table

    rows = [
        (
            b.name,
            b.summary,
            f"{b.width}×{b.height}, {b.frames} frames",
            "yes" if b.is_here else "no",
        )
        for b in BASES
    ]
    show_table(("base", "what it is", "native clip", "on this machine"), rows)
    print("\nNext: starring train SUBJECT --base NAME")


@app.command()
def doctor() -> None:
    """Check that everything that Starring needs works on this machine."""
    from studio.doctor import examine

    if not examine():
        raise typer.Exit(1)
    print("\nAll is well.\nNext: starring demo")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for what it makes.")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="Of the clips' noise.")] = 7,
) -> None:
    """Go the whole way with a sample subject: photos, training, two clips, measures."""
    from studio.demo import run_demo

    run_demo(out, seed=seed)
    print(f"\nWrote with.mp4, without.mp4, sheet.png and report.json into {out}.")
    print("Next: starring subject add NAME PHOTOS")


def main() -> None:
    """Run the command; whatever a user can mend ends in one line and exit code 2."""
    try:
        check_imports()
        app()
    except StudioError as error:
        _fail(str(error))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            _fail(f"The disk is full ({error.filename or 'no file named'}): free some space.")
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EISDIR):
            _fail(f"{error.filename!r} cannot be written ({error.strerror}): give another folder.")
        raise
    except ValueError as error:
        if _is_ours(error):
            _fail(str(error))
        raise
    except KeyboardInterrupt:
        _fail("Stopped. Training goes on where it stood when you type the same command again.")


def _is_ours(error: Exception) -> bool:
    """Whether an error belongs to one of our trees, without importing what was not needed."""
    roots: Any = [
        getattr(sys.modules.get(module), name, ())
        for module, name in (
            ("bases.errors", "BaseModelError"),
            ("subjects.errors", "SubjectError"),
            ("finetune.errors", "AdapterError"),
            ("inference.errors", "RenderError"),
        )
    ]
    return any(root and isinstance(error, root) for root in roots)


def _fail(message: str) -> NoReturn:
    print(f"starring: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
