"""What is asked about consent, on a terminal or by options."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from studio.home import StudioError
from subjects import (
    CONSENT_TEXT,
    GROUNDS,
    POCKET,
    Consent,
    Subject,
)
from subjects.consent import PURPOSE


@dataclass(frozen=True)
class Terms:
    """What was said about consent on the command line.

    Attributes:
        whose: likeness it is; empty if nothing was said.
        ground: on which it is used; asked for if None.
        purpose: what it may be used for; `PURPOSE` if None.
        until: the last day, as in "2030-12-31", or None.
    """

    whose: str = ""
    ground: str | None = None
    purpose: str | None = None
    until: str | None = None

    def agreed(self) -> Consent:
        """The record, of an answer given now.

        Raises:
            StudioError: if nobody can answer, or the answer is none of the grounds.
            ConsentError: if it says nothing, or its last day is past.
        """
        ground = ask_consent() if self.ground is None else self.ground
        purpose = PURPOSE if self.purpose is None else self.purpose
        if ground not in GROUNDS:
            raise StudioError(f"consent {ground!r} is none of {', '.join(GROUNDS)}.")
        return Consent.today(self.whose, ground, purpose=purpose, until=self.until)


def renew_consent(name: str, terms: Terms, *, home: Path) -> Subject:
    """Record another answer; the subject need not have one that holds.

    Raises:
        StudioError: if there is no terminal to ask on, or the subject is no person.
        SubjectError: if there is no such subject, or the answer says nothing.
    """
    subject = Subject.load(home, name, after_consent=True)
    if subject.kind != "person":
        raise StudioError(f"{name!r} is {subject.kind!r}: nobody's consent is needed.")
    consent = replace(terms, whose=terms.whose or subject.consent.whose).agreed()
    if subject.face_package == POCKET and consent.ground != "synthetic":
        raise StudioError(
            f"{name!r} was audited by Pocket's face package, which knows drawings alone: a person "
            "in photographs is added anew with another, see 'starring subject add --help'."
        )
    return subject.renew(consent, home)


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
