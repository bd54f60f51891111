"""What `starring subject add` does: open the models that look, ask for consent, audit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from studio.asking import Terms
from studio.home import StudioError
from studio.onlookers import Onlookers, remembered
from subjects import POCKET, Subject, add_subject, check_new_subject, limits_for
from subjects.splits import HELD_OUT

_FOR_PHOTOGRAPHS = (
    "Pocket's face package knows drawings alone: for photographs give --faces the name or folder "
    "of another, such as 'buffalo_l' (insightface) or a folder with OpenCV's YuNet and SFace. "
    "What is no person needs none: add it with --kind pet or --kind object."
)


def add_from_photos(
    name: str,
    photos: list[Path],
    *,
    kind: str,
    terms: Terms,
    home: Path,
    noun: str | None = None,
    trigger: str | None = None,
    onlookers: Onlookers | None = None,
    like: str | None = None,
    held_out: int = HELD_OUT,
) -> Subject:
    """Audit photos and store the subject; see `subjects.add_subject`.

    Args:
        name: its name.
        photos: files and folders.
        kind: "person", "pet" or "object".
        terms: what is known of the answer to the question of consent.
        home: where subjects live.
        noun: what kind of thing it is; the kind if None.
        trigger: the word that will call it; the letters of its name if None.
        onlookers: the models that look at the photos; Pocket's own if None.
        like: the photo whose largest face is the person's.
        held_out: photos that are put aside.

    Raises:
        StudioError: if consent is needed and there is no terminal to ask on, a real person's face
            is to be found by Pocket's package, or something is said of a person that is none.
        SubjectError: if the subject cannot be added; known before the question where it can be.
    """
    onlookers = onlookers or Onlookers()
    check_new_subject(name, photos, home=home, kind=kind, class_noun=noun, trigger=trigger)
    onlookers.check(kind)
    if kind != "person":
        _refuse_for_things(terms, like)
    finder, compare = onlookers.finder(kind), onlookers.compare()
    describe = onlookers.describe(noun or kind)
    terms = replace(terms, whose=terms.whose or name)
    consent = terms.agreed() if kind == "person" else None
    if consent is not None and onlookers.faces == POCKET and consent.ground != "synthetic":
        raise StudioError(_FOR_PHOTOGRAPHS)
    with tqdm(desc="audit", unit="photo") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return add_subject(
            name,
            photos,
            home=home,
            kind=kind,
            consent=consent,
            faces=finder,
            class_noun=noun,
            trigger=trigger,
            limits=limits_for(onlookers.faces),
            face_package=remembered(onlookers.faces),
            like=like,
            held_out=held_out,
            describe=describe,
            encoder=compare,
            encoder_folder=onlookers.encoder and remembered(onlookers.encoder),
            progress=show,
        )


def _refuse_for_things(terms: Terms, like: str | None) -> None:
    """Refuse what is said about a person of what is none.

    Raises:
        StudioError: if something is.
    """
    said = {
        "--face": like,
        "--whose": terms.whose or None,
        "--consent": terms.ground,
        "--purpose": terms.purpose,
        "--until": terms.until,
    }
    for option, given in said.items():
        if given is not None:
            raise StudioError(f"{option} is for a person: leave it out, or give --kind person.")
