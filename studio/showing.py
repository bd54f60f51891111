"""What a subject looks like on the terminal: its photos, its log, its contact sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.onlookers import encoder_of, face_finder
from studio.printing import say
from studio.tables import show_table
from subjects import (
    POCKET,
    AuditedPhoto,
    Subject,
    SubjectError,
    log_of,
    problems,
    subject_names,
)
from subjects.deletion import adapters_of


def show_subject(subject: Subject) -> None:
    """Print each photo's verdict, why, and what to know."""
    verdicts = subject.verdicts
    aside = {photo.path.name for photo in subject.held_out}
    rows = [
        (photo.source, _verdict(photo, aside), photo.reason, photo.file_name or "–")
        for photo in verdicts
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
    apart = f", {len(aside)} of them to measure clips against, never to learn from" if aside else ""
    say("", f"{used} of {len(verdicts)} photos will be used{apart}.", *best, *notes, *advice)


def show_all(home: Path) -> bool:
    """Print every subject with its photos and adapters; returns whether there is any."""
    rows = [_row(home, name) for name in subject_names(home)]
    if rows:
        show_table(("subject", "kind", "photos", "adapters", "note"), rows)
    else:
        say(f"There is no subject in {str(home)!r} yet.")
    return bool(rows)


def _row(home: Path, name: str) -> tuple[str, ...]:
    """A subject's row, whatever is wrong with it."""
    adapters = ", ".join(a for a in adapters_of(home, name) if not a.startswith(".")) or "–"
    try:
        subject = Subject.load(home, name, after_consent=True)
    except SubjectError as error:
        return name, "–", "–", adapters, str(error)
    return name, subject.kind, str(len(subject.kept)), adapters, subject.consent_flaw or ""


def _verdict(photo: AuditedPhoto, held_out: set[str]) -> str:
    return f"{photo.verdict}, held out" if photo.file_name in held_out else photo.verdict


def draw_sheet(subject: Subject, package: str | None) -> list[Path]:
    """Write the contact sheet into the subject's folder, as a page and as a picture.

    Args:
        subject: of whom.
        package: the face package that compares the photos; the subject's own if None.
    """
    from subjects.contact_sheet import write_sheet

    if subject.kind == "person":
        return write_sheet(subject, face_finder(package or subject.face_package or POCKET))
    return write_sheet(subject, encoder_of(subject))


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
    if found:
        say("The subject can be used as before; what was done to it is no longer known for sure.")
    return not found


def _said(details: dict[str, Any]) -> str:
    told = {key: list(v) if isinstance(v, dict) else v for key, v in details.items()}
    return ", ".join(f"{key} {value}" for key, value in told.items() if value is not None)


def next_step(subject: Subject, home_option: str) -> str:
    """What to type or do once a subject has been looked at."""
    if subject.consent_fault:
        return f"Next: starring subject consent {subject.name}{home_option}"
    if subject.is_ready and (subject.folder.parents[1] / "adapters" / subject.name).is_dir():
        return (
            f"Next: starring render {subject.name} PROMPT{home_option}, or to learn it anew "
            f"starring train {subject.name} --output.force true{home_option}"
        )
    if subject.is_ready:
        return f"Next: starring train {subject.name}{home_option}"
    return f"Next: mend that, then starring subject show {subject.name}{home_option}"
