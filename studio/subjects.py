"""What `starring subject` does: ask for consent, audit, show."""

from __future__ import annotations

import sys
from pathlib import Path

from tqdm import tqdm

from bases.pocket import FACES
from studio.home import StudioError
from studio.printing import say
from studio.tables import show_table
from subjects import (
    CONSENT_TEXT,
    GROUNDS,
    PEOPLE,
    PUPPETS,
    Consent,
    FaceFinder,
    Subject,
    add_subject,
    check_new_subject,
)

POCKET = "pocket"
"""The name of the embedded face package, which knows drawings alone."""


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
    ground: str | None,
    whose: str,
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
    consent = _consent(whose, ground) if person else None
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
            limits=PUPPETS if faces == POCKET else PEOPLE,
            face_package=_remembered(faces),
            progress=show,
        )


def _remembered(package: str) -> str:
    """The package's name, or its folder in full, since the next command may run elsewhere."""
    folder = Path(package).expanduser()
    return package if package == POCKET or not folder.is_dir() else str(folder.resolve())


def _consent(whose: str, ground: str | None) -> Consent:
    return Consent.today(whose, ask_consent() if ground is None else ground)


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
    used = len(subject.kept) - len(subject.faults)
    notes = (f"Note: {warning}" for warning in subject.warnings)
    say("", f"{used} of {len(verdicts)} photos will be used.", *notes)


def next_step(subject: Subject, home_option: str) -> str:
    """What to type or do once a subject has been looked at."""
    if subject.is_ready:
        return f"Next: starring train {subject.name}{home_option}"
    return f"Next: mend that, then starring subject show {subject.name}{home_option}"
