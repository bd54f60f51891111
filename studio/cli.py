"""The `starring` command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from studio.ending import CTRL_C, end, fail
from studio.home import check_imports, home_option, open_home
from studio.options import Faces, Home, Seed
from studio.printing import print_anything, say
from studio.quiet import hush_imports
from studio.subject_commands import subject_app
from studio.values import NATIVE, Size, gigabytes, path_of, real, size_of, whole

app = typer.Typer(
    name="starring",
    help="Put a subject in a video: photos train an adapter, the adapter renders the subject.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(subject_app, name="subject")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The subject.")],
    base: Annotated[str, typer.Option(help="Name of a base, or its folder.")] = "pocket",
    config: Annotated[
        Optional[Path],
        typer.Option(
            parser=path_of,
            metavar="FILE",
            help="A YAML with settings; the base's own recipe if not given.",
        ),
    ] = None,
    memory: Annotated[
        Optional[float],
        typer.Option(
            parser=gigabytes,
            metavar="SIZE",
            help="GPU memory to stay within, such as 24GB; all that there is if not given.",
        ),
    ] = None,
    faces: Faces = None,
    home: Home = None,
) -> None:
    """Train an adapter; any setting can follow, such as --model.lr 1e-4.

    The most useful: --model.lr (learning rate), --model.rank (the adapter's size),
    --trainer.max_steps, --data.photos (photos a step). 'python -m finetune.train --help' lists
    them, and with --model.thrift.help those that save memory.
    """
    from subjects import Subject

    at_home = open_home(home)
    subject = Subject.load(at_home, name)  # what cannot be found is said before torch is imported

    from finetune.sample import shown_by
    from studio.training import train_and_measure

    adapter = train_and_measure(
        name,
        base=base,
        config=config,
        extra=context.args + ([] if memory is None else [f"--model.memory={memory}"]),
        faces=faces,
        home=at_home,
    )
    words = f'{adapter.folder.name} "{shown_by(subject)}"'
    say("", f"Wrote {adapter.folder}.", f"Next: starring render {words}{home_option(home)}")


@app.command()
def render(
    name: Annotated[str, typer.Argument(help="An adapter, by name or folder.")],
    prompt: Annotated[str, typer.Argument(help="What the subject does, and where.")],
    out: Annotated[
        Optional[Path],
        typer.Option(
            parser=path_of, metavar="FILE", help="The clip's file; NAME.mp4 if not given."
        ),
    ] = None,
    seed: Seed = 0,
    scale: Annotated[
        float,
        typer.Option(
            parser=real(0, 10), metavar="NUMBER", help="How strongly the adapter counts; 0 to 10."
        ),
    ] = 1.0,
    base: Annotated[
        Optional[str],
        typer.Option(help="Name or folder of the base; the adapter's own if not given."),
    ] = None,
    size: Annotated[
        Size,
        typer.Option(
            parser=size_of,
            metavar="WIDTHxHEIGHT",
            help="Of the clip in pixels, such as 480x832; the base's own if not given.",
            show_default=False,
        ),
    ] = NATIVE,
    frames: Annotated[
        Optional[int],
        typer.Option(parser=whole(1, 10_000), metavar="NUMBER", help="Frames of the clip."),
    ] = None,
    steps: Annotated[
        Optional[int],
        typer.Option(parser=whole(1, 1000), metavar="NUMBER", help="Denoising steps."),
    ] = None,
    guidance: Annotated[
        Optional[float],
        typer.Option(
            parser=real(0, 100),
            metavar="NUMBER",
            help="How closely to follow the prompt; 0 to 100, 1 for not at all.",
        ),
    ] = None,
    negative: Annotated[
        str,
        typer.Option(
            metavar="PROMPT", help="What guidance is to lead away from, where it is above 1."
        ),
    ] = "",
    picture: Annotated[
        Optional[list[str]],
        typer.Option(
            metavar="NAME",
            help="A photo of the subject, such as 0001.png, that a base which is shown some is "
            "shown; once for each.",
        ),
    ] = None,
    faces: Faces = None,
    home: Home = None,
) -> None:
    """Render the subject doing what the prompt says, and measure its likeness."""
    from studio.adapters import adapter_folder
    from studio.places import CLIP, check_file, check_home

    path, at_home = out or Path(f"{Path(name).resolve().name}.mp4"), open_home(home)
    folder = adapter_folder(name, at_home)
    check_home(at_home)
    check_file(path, at_home, CLIP)

    from inference.clip import Clip
    from studio.rendering import render_and_measure

    render_and_measure(
        folder,
        prompt,
        path,
        clip=Clip(
            width=size.width,
            height=size.height,
            frames=frames,
            steps=steps,
            guidance=guidance,
            seed=seed,
            negative=negative,
        ),
        scale=scale,
        base=base,
        faces=faces,
        home=at_home,
        pictures=picture or (),
    )
    say("", f"Wrote {path}.", "Next: open it, or try another --seed and --out.")


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="An adapter, by name or folder.")],
    style: Annotated[
        str, typer.Option("--format", help="comfyui, kohya or diffusers.")
    ] = "comfyui",
    out: Annotated[
        Optional[Path],
        typer.Option(
            parser=path_of,
            metavar="FILE",
            help="The file; NAME-FORMAT.safetensors if not given, NAME.safetensors of diffusers.",
        ),
    ] = None,
    home: Home = None,
) -> None:
    """Write an adapter for another program, and read it back."""
    from studio.adapters import adapter_folder

    at_home = open_home(home)
    folder = adapter_folder(name, at_home)

    from studio.exporting import export_adapter

    written = export_adapter(folder, style=style, out=out, home=at_home)
    say("", f"Wrote {', '.join(map(str, written))}.", "Next: load it there at strength 1.")


@app.command()
def bases(
    accept: Annotated[
        Optional[str],
        typer.Option(
            metavar="NAME", help="Say that what the licence of this base asks is so, and record it."
        ),
    ] = None,
) -> None:
    """List the bases that are known by name."""
    from bases.catalogue import BASES
    from bases.hub import is_here
    from studio.tables import show_table

    if accept is not None:
        from studio.licences import accept as record

        record(accept)
        say("", f"Next: starring train SUBJECT --base {accept}")
        return

    rows = [
        (
            b.name,
            b.size,
            "; ".join(filter(None, (b.licence, b.terms))),
            b.needs,
            f"{b.width}×{b.height}, {b.frames} frames",
            "yes" if is_here(b) else "no",
        )
        for b in BASES
    ]
    show_table(("base", "parameters", "licence", "runs on", "native clip", "here"), rows)
    say("", "Next: starring train SUBJECT --base NAME")


@app.command()
def doctor() -> None:
    """Check that everything that Starring needs works on this machine."""
    from studio.doctor import examine

    if not examine():
        raise typer.Exit(1)
    say("", "All is well.", "Next: starring demo")


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option(parser=path_of, metavar="FOLDER", help="For what it makes.")
    ] = Path("demo"),
    seed: Seed = 3,
    steps: Annotated[
        int,
        typer.Option(
            parser=whole(1, 100_000),
            metavar="NUMBER",
            help="Training steps; fewer than the recipe's, to be quick.",
        ),
    ] = 260,
) -> None:
    """Go the whole way with a sample subject: photos, training, two clips, measures."""
    from studio.demo import run_demo

    run_demo(out, seed=seed, steps=steps)
    say("", f"Wrote with.mp4, without.mp4, sheet.png and report.json into {out}.")
    say("Next: starring subject add NAME PHOTOS")


@app.command()
def bench(
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Few subjects, an hour on a CPU; wide intervals."),
    ] = False,
    base: Annotated[str, typer.Option(help="Name of a base, or its folder.")] = "pocket",
    out: Annotated[
        Path, typer.Option(parser=path_of, metavar="FOLDER", help="For what it finds.")
    ] = Path("bench"),
) -> None:
    """Measure likeness, and all that must not be lost for it, on subjects that nothing has seen."""
    from studio.bench.plan import FULL, QUICK
    from studio.bench.run import run_bench, shape_for
    from studio.places import check_folder

    check_folder(out)
    run_bench(out, QUICK if quick else FULL, shape=shape_for(base), base=base)
    say("", f"Wrote bench.json, bench.md and bench.png into {out}.", "Next: read bench.md.")


def main() -> None:
    """Run the command; whatever a user can mend ends in one line and exit code 2."""
    print_anything()
    hush_imports()
    try:
        check_imports()
        status = app(prog_name="starring", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        status = CTRL_C
    except Exception as error:
        end(error)
    if status == CTRL_C:
        fail("Stopped: nothing that was there is lost.", status=CTRL_C)
    raise SystemExit(status)


if __name__ == "__main__":
    main()
