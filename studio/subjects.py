"""What `starring subject` does: ask for consent, audit, show."""

from __future__ import annotations

import sys
from pathlib import Path

from tqdm import tqdm

from bases.pocket import FACES
from studio.home import StudioError
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
    photo_paths,
)


def face_finder(package: str) -> FaceFinder:
    """The face package of that name or in that folder; 'pocket' is the embedded one."""
    return FaceFinder(FACES if package == "pocket" else package)


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
    """
    total = len(photo_paths(photos))
    person = kind == "person"
    consent = Consent.today(whose, ground or ask_consent()) if person else None
    with tqdm(total=total, desc="audit", unit="photo", disable=total < 2) as bar:
        return add_subject(
            name,
            photos,
            home=home,
            kind=kind,
            consent=consent,
            faces=face_finder(faces) if person else None,
            class_noun=noun,
            limits=PUPPETS if faces == "pocket" else PEOPLE,
            progress=lambda *_: bar.update(),
        )


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
    rows = [
        (photo.source, photo.verdict, photo.reason, photo.file_name or "–")
        for photo in subject.audit
    ]
    show_table(("photo", "verdict", "why", "stored as"), rows)
    print(f"\n{len(subject.kept)} of {len(subject.audit)} photos will be used.")
    for warning in subject.warnings:
        print(f"Note: {warning}")
