"""What `starring subject` does: ask for consent, audit, show, delete."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bases.pocket import FACES
from studio.home import StudioError
from studio.printing import say
from studio.tables import show_table
from subjects import (
    CONSENT_TEXT,
    GROUNDS,
    POCKET,
    Consent,
    FaceFinder,
    Subject,
    add_subject,
    check_new_subject,
    delete_subject,
    limits_for,
    log_of,
    problems,
)
from subjects.consent import PURPOSE


def face_finder(package: str) -> FaceFinder:
    """The face package of that name or in that folder.

    Raises:
        StudioError: if the name is empty.
        FacePackageError: if the package is missing or cannot be opened.
    """
    if not package.strip():
        raise StudioError(
            f"No face package is called {package!r}: give --faces {POCKET!r}, the name of an "
            "insightface package such as 'buffalo_l', or a folder of ONNX files."
        )
    return FaceFinder(FACES if package == POCKET else package)


def add_from_photos(
    name: str,
    photos: list[Path],
    *,
    kind: str,
    terms: Terms,
    noun: str | None,
    faces: str,
    home: Path,
) -> Subject:
    """Audit photos and store the subject; see `subjects.add_subject`.

    Raises:
        StudioError: if consent is needed and there is no terminal to ask on.
        SubjectError: if the subject cannot be added; known before the question where it can be.
    """
    check_new_subject(name, photos, home=home, kind=kind, class_noun=noun)
    person = kind == "person"
    finder = face_finder(faces) if person else None
    consent = terms.agreed() if person else None
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
            limits=limits_for(faces),
            face_package=_remembered(faces),
            progress=show,
        )


def _remembered(package: str) -> str:
    """The package's name, or its folder in full, since the next command may run elsewhere."""
    folder = Path(package).expanduser()
    return package if package == POCKET or not folder.is_dir() else str(folder.resolve())


@dataclass(frozen=True)
class Terms:
    """What was said about consent on the command line.

    Attributes:
        whose: likeness it is.
        ground: on which it is used; asked for if None.
        purpose: what it may be used for.
        until: the last day, as in "2030-12-31", or None.
    """

    whose: str
    ground: str | None
    purpose: str = PURPOSE
    until: str | None = None

    def agreed(self) -> Consent:
        """The record, of an answer given now.

        Raises:
            StudioError: if nobody can answer, or the answer is none of the grounds.
            ConsentError: if it says nothing, or its last day is past.
        """
        ground = ask_consent() if self.ground is None else self.ground
        return Consent.today(self.whose, ground, purpose=self.purpose, until=self.until)


def renew_consent(name: str, terms: Terms, *, home: Path) -> Subject:
    """Record another answer; the subject need not have one that holds.

    Raises:
        StudioError: if there is no terminal to ask on, or the subject is no person.
        SubjectError: if there is no such subject, or the answer says nothing.
    """
    subject = Subject.load(home, name, after_consent=True)
    if subject.kind != "person":
        raise StudioError(f"{name!r} is {subject.kind!r}: nobody's consent is needed.")
    return subject.renew(replace(terms, whose=terms.whose or subject.consent.whose).agreed(), home)


def show_log(name: str, *, home: Path) -> bool:
    """Print who did what to a subject; returns whether the whole record fits together."""
    subject = Subject.load(home, name, after_consent=True)
    rows = [
        (line["time"], line["who"], line["did"], _said(line["details"]))
        for line in log_of(subject.folder)
    ]
    show_table(("when", "who", "did", "what"), rows)
    found = problems(home)
    say(*(f"Problem: {problem}." for problem in found))
    return not found


def _said(details: dict[str, Any]) -> str:
    told = {key: list(v) if isinstance(v, dict) else v for key, v in details.items()}
    return ", ".join(f"{key} {value}" for key, value in told.items() if value is not None)


def delete_for_good(name: str, *, sure: bool, home: Path) -> None:
    """Delete a subject once somebody said so, and print what is gone.

    Raises:
        StudioError: if nobody did.
        SubjectError: if there is no such subject, or something cannot be removed.
    """
    if not sure:
        if not sys.stdin.isatty():
            raise StudioError(f"Deleting {name!r} cannot be undone: say so with --yes.")
        if input(f"Delete {name!r} and everything made of it (type its name)? ").strip() != name:
            raise StudioError(f"{name!r} was not typed: nothing was deleted.")
    deleted = delete_subject(home, name)
    say(*(f"Deleted {path}" for path in deleted.removed))
    say(*(f"Note: {path} was changed since, and is left there." for path in deleted.changed))


def ask_consent() -> str:
    """Ask on what ground the likeness is used.

    Raises:
        StudioError: if nobody can answer, or the answer is none of the grounds.
    """
    if not sys.stdin.isatty():
        raise StudioError(
            "Consent is needed before a face is measured: say on what ground with "
            f"--consent {'|'.join(GROUNDS)}."
        )
    print(CONSENT_TEXT)
    answer = input(f"Which is it ({'/'.join(GROUNDS)})? ").strip().lower()
    if answer not in GROUNDS:
        raise StudioError(f"{answer!r} is none of {', '.join(GROUNDS)}: nothing was added.")
    return answer


def show_subject(subject: Subject) -> None:
    """Print each photo's verdict, why, and what to know."""
    verdicts = subject.verdicts
    rows = [
        (photo.source, photo.verdict, photo.reason, photo.file_name or "–") for photo in verdicts
    ]
    show_table(("photo", "verdict", "why", "stored as"), rows)
    coverage = subject.coverage
    if said := coverage.said():
        say("")
        show_table(("what the photos show", "how often"), list(said.items()))
    used = len(subject.kept) - len(subject.faults)
    ceiling = subject.ceiling
    best = () if ceiling is None else (f"Likeness among the photos, the ceiling: {ceiling:.2f}.",)
    notes = (f"Note: {warning}" for warning in subject.warnings)
    advice = (f"Advice: {sentence}" for sentence in coverage.advice())
    say("", f"{used} of {len(verdicts)} photos will be used.", *best, *notes, *advice)


def draw_sheet(subject: Subject, package: str | None) -> list[Path]:
    """Write the contact sheet into the subject's folder, as a page and as a picture.

    Args:
        subject: of whom.
        package: the face package that compares the photos; the subject's own if None.
    """
    from subjects.contact_sheet import write_sheet

    chosen = package or subject.face_package or POCKET
    finder = face_finder(chosen) if subject.kind == "person" else None
    return write_sheet(subject, finder)


def next_step(subject: Subject, home_option: str) -> str:
    """What to type or do once a subject has been looked at."""
    if subject.is_ready:
        return f"Next: starring train {subject.name}{home_option}"
    return f"Next: mend that, then starring subject show {subject.name}{home_option}"
