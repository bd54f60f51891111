"""The `starring subject` commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from studio.home import home_folder, home_option, open_home
from studio.options import Faces, Ground, Home, Purpose, Until
from studio.printing import say
from studio.values import path_of

subject_app = typer.Typer(
    help="Add, look at, edit, carry and delete subjects.", no_args_is_help=True
)


@subject_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What to call the subject.")],
    photos: Annotated[
        list[Path],
        typer.Argument(parser=path_of, help="Photos, zips of photos, videos, or folders of them."),
    ],
    kind: Annotated[str, typer.Option(help="person, pet or object.")] = "person",
    consent: Ground = None,
    whose: Annotated[str, typer.Option(help="Whose likeness it is; the name if not given.")] = "",
    purpose: Purpose = None,
    until: Until = None,
    noun: Annotated[
        Optional[str],
        typer.Option(help="What it is, such as 'dog'; the kind if not given."),
    ] = None,
    trigger: Annotated[
        Optional[str],
        typer.Option(help="The word that will call it; the letters of the name if not given."),
    ] = None,
    faces: Annotated[
        str,
        typer.Option(help="Face package for insightface, by folder or name; 'pocket' is ours."),
    ] = "pocket",
    face: Annotated[
        Optional[str],
        typer.Option(
            metavar="PHOTO",
            help="A photo whose largest face is the subject's; who is in most photos if not given.",
        ),
    ] = None,
    nobody: Annotated[
        bool,
        typer.Option(
            "--nobody",
            help="Say that the photos of a pet or an object show no person, whatever looks like a "
            "face in them.",
        ),
    ] = False,
    hold_out: Annotated[
        Optional[int],
        typer.Option(
            min=0,
            metavar="N",
            help="Photos never trained on, for clips to be measured against, where there are ten "
            "or more; 2 if not given.",
            show_default=False,
        ),
    ] = None,
    encoder: Annotated[
        Optional[str],
        typer.Option(
            metavar="FOLDER",
            help="An image model, such as DINOv2, that compares the photos of a pet or an object, "
            "or 'pocket' for drawn ones.",
        ),
    ] = None,
    expressions: Annotated[
        Optional[Path],
        typer.Option(
            parser=path_of,
            metavar="FOLDER",
            help="An image classifier that tells a person's expressions, such as a ViT that was "
            "trained on AffectNet or FER2013.",
        ),
    ] = None,
    captioner: Annotated[
        Optional[Path],
        typer.Option(
            parser=path_of,
            metavar="FOLDER",
            help="A vision-language model that describes each photo for its caption.",
        ),
    ] = None,
    caption_clothes: Annotated[
        bool,
        typer.Option(
            "--caption-clothes", help="Let captions name clothes, so that prompts can change them."
        ),
    ] = False,
    home: Home = None,
) -> None:
    """Audit photos and make a subject of them."""
    from studio.asking import Terms
    from studio.onlookers import Onlookers
    from studio.showing import next_step, show_subject
    from studio.subjects import add_from_photos
    from subjects.splits import FEWEST_TO_SPLIT, HELD_OUT

    subject = add_from_photos(
        name,
        photos,
        kind=kind,
        terms=Terms(whose=whose, ground=consent, purpose=purpose, until=until),
        noun=noun,
        trigger=trigger,
        onlookers=Onlookers(faces, encoder, expressions, captioner, caption_clothes, nobody),
        home=open_home(home),
        like=face,
        held_out=HELD_OUT if hold_out is None else hold_out,
    )
    show_subject(subject)
    if hold_out and not subject.held_out:
        say(
            f"Note: no photo is held out: it takes {FEWEST_TO_SPLIT} that show the subject and can "
            "be compared, and of fewer each is needed to learn from."
        )
    say("", f"Wrote {subject.folder}.", next_step(subject, home_option(home)))


@subject_app.command("list")
def list_all(home: Home = None) -> None:
    """List the subjects that are here."""
    from studio.showing import show_all

    words = "show NAME" if show_all(open_home(home)) else "add NAME PHOTOS"
    say("", f"Next: starring subject {words}{home_option(home)}")


@subject_app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The subject.")],
    sheet: Annotated[
        bool, typer.Option("--sheet", help="Write a contact sheet, as a page and as a picture.")
    ] = False,
    look: Annotated[
        bool, typer.Option("--open", help="Write the contact sheet and open it.")
    ] = False,
    faces: Faces = None,
    home: Home = None,
) -> None:
    """Show each photo's verdict and why, what the photos cover, and what to add."""
    from studio.showing import draw_sheet, next_step, show_subject
    from subjects import Subject

    subject = Subject.load(open_home(home), name, after_consent=not (sheet or look))
    show_subject(subject)
    if sheet or look:
        page, picture = draw_sheet(subject, faces)
        say("", f"Wrote {page} and {picture}.")
        if look:
            typer.launch(str(page))
    captions = subject.folder / "photos" / "metadata.jsonl"
    say("", f"Captions: {captions}", next_step(subject, home_option(home)))


@subject_app.command("edit")
def edit(
    name: Annotated[str, typer.Argument(help="The subject.")],
    caption: Annotated[
        Optional[list[str]],
        typer.Option(metavar="PHOTO=TEXT", help="A photo's new caption; may be given again."),
    ] = None,
    verdict: Annotated[
        Optional[list[str]],
        typer.Option(metavar="PHOTO=VERDICT", help="keep, care or drop; may be given again."),
    ] = None,
    trigger: Annotated[Optional[str], typer.Option(help="The word that calls it.")] = None,
    noun: Annotated[Optional[str], typer.Option(help="What it is, such as 'dog'.")] = None,
    home: Home = None,
) -> None:
    """Change captions, verdicts, trigger or noun; without options, in your own editor."""
    from studio.changing import edit_by_words, edit_in_editor
    from studio.showing import next_step

    at_home = open_home(home)
    if caption or verdict or trigger is not None or noun is not None:
        subject = edit_by_words(
            name, caption or [], verdict or [], trigger=trigger, noun=noun, home=at_home
        )
    elif (edited := edit_in_editor(name, home=at_home)) is not None:
        subject = edited
    else:
        say("Nothing was changed.", f"Next: starring subject show {name}{home_option(home)}")
        return
    say(*(f"Note: {warning}" for warning in subject.warnings))
    say("", f"Changed {subject.folder}.", next_step(subject, home_option(home)))


@subject_app.command("export")
def pack_subject(
    name: Annotated[str, typer.Argument(help="The subject.")],
    out: Annotated[
        Optional[Path],
        typer.Option(parser=path_of, metavar="FILE", help="The file; NAME.zip if not given."),
    ] = None,
    home: Home = None,
) -> None:
    """Pack a subject, its photos and its consent into one file, for another machine."""
    from studio.changing import pack_into

    path = out or Path(f"{name}.zip")
    pack_into(name, path, home=open_home(home))
    say("", f"Wrote {path}.", f"Next, on the other machine: starring subject import {path.name}")


@subject_app.command("import")
def unpack_subject(
    file: Annotated[Path, typer.Argument(parser=path_of, help="What export wrote.")],
    home: Home = None,
) -> None:
    """Unpack a subject that another machine has packed."""
    from studio.showing import next_step, show_subject
    from subjects import unpack

    subject = unpack(file, open_home(home))
    show_subject(subject)
    say("", f"Wrote {subject.folder}.", next_step(subject, home_option(home)))


@subject_app.command("consent")
def consent_anew(
    name: Annotated[str, typer.Argument(help="The subject.")],
    consent: Ground = None,
    whose: Annotated[str, typer.Option(help="Whose likeness it is; as before if not given.")] = "",
    purpose: Purpose = None,
    until: Until = None,
    home: Home = None,
) -> None:
    """Answer the question of consent anew, such as when its last day is past."""
    from studio.asking import Terms, renew_consent

    terms = Terms(whose=whose, ground=consent, purpose=purpose, until=until)
    subject = renew_consent(name, terms, home=open_home(home))
    say("", f"Recorded: {subject.consent.ground}, until {subject.consent.until or 'revoked'}.")
    say(f"Next: starring subject show {name}{home_option(home)}")


@subject_app.command("log")
def log(name: Annotated[str, typer.Argument(help="The subject.")], home: Home = None) -> None:
    """Show who did what to a subject, and check that nobody changed the record."""
    from studio.showing import show_log

    if not show_log(name, home=open_home(home)):
        raise typer.Exit(1)
    say("", "The record is whole.", f"Next: starring subject show {name}{home_option(home)}")


@subject_app.command("delete")
def delete(
    name: Annotated[str, typer.Argument(help="The subject.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: Home = None,
) -> None:
    """Delete a subject and everything made of it: photos, adapters, clips, exports, log."""
    from studio.changing import delete_for_good

    whole = delete_for_good(name, sure=yes, home=home_folder(home))
    left = f"Nothing of {name!r} that was made here is left" if whole else "The rest is gone"
    say("", f"{left}.", "Next: starring subject add NAME PHOTOS")
