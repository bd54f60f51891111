"""Consent: whose likeness it is, on what ground, for what, and until when.

Nothing of a subject is embedded before such a record exists. It records what was answered to
`CONSENT_TEXT`, signed so that a change shows; it proves nothing by itself, and nobody else's answer
can stand in for it.
"""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from subjects.errors import ConsentError
from subjects.signing import is_signed, sign

GROUNDS = ("self", "authorised", "synthetic")
"""On which a person's likeness is used."""
NO_PERSON = ("pet", "object")
"""The grounds of subjects that are no persons: nobody's face is in their photos."""
PURPOSE = "videos of the subject"
TEXT_VERSION = "2"
CONSENT_TEXT = """\
These photos will be measured to recognise the face in them, and a model will learn to draw that
face in videos. Both are kept on this machine alone, until 'starring subject delete' removes them.
  self         I am the person in these photos, and I agree to this.
  authorised   The person in these photos, or their guardian, has agreed to this, and I can show it.
  synthetic    Nobody real is in these photos: they are drawn or generated.
"""


@dataclass(frozen=True)
class Consent:
    """One answer to `CONSENT_TEXT`.

    Attributes:
        whose: the person whose likeness it is, in the words of whoever answered.
        ground: one of `GROUNDS`, or of `NO_PERSON`.
        date: the day of the answer, as in "2025-01-31".
        purpose: what the likeness may be used for.
        until: the last day on which it may be used, None for no such day.
        text_version: the version of the text that was answered.
        key: the public key of the home that signed it, in base 64; empty before it is signed.
        signature: over all of the above but the key, and the subject's name.
    """

    whose: str
    ground: str
    date: str
    purpose: str = PURPOSE
    until: str | None = None
    text_version: str = TEXT_VERSION
    key: str = ""
    signature: str = ""

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConsentError: if a field is empty or not one of the values allowed.
        """
        if not isinstance(self.whose, str) or not self.whose.strip():
            raise ConsentError(f"consent of {self.whose!r}: say whose likeness it is.")
        if not isinstance(self.purpose, str) or not self.purpose.strip():
            raise ConsentError(f"consent for {self.purpose!r}: say what it may be used for.")
        if self.ground not in (*GROUNDS, *NO_PERSON):
            raise ConsentError(
                f"consent on the ground {self.ground!r}: it must be one of {', '.join(GROUNDS)}."
            )
        _day(self.date)
        if self.until is not None:
            _day(self.until)

    @classmethod
    def today(
        cls, whose: str, ground: str, *, purpose: str = PURPOSE, until: str | None = None
    ) -> Consent:
        """The record of an answer that is given now, to the text of this version.

        Raises:
            ConsentError: if it would be over already, or a field is not allowed.
        """
        today = datetime.date.today().isoformat()
        given = cls(whose=whose, ground=ground, date=today, purpose=purpose, until=until)
        if given.is_over:
            raise ConsentError(
                f"consent until {until!r}, given on {today!r}: it would end before it begins; give "
                "a later day."
            )
        return given

    @property
    def is_over(self) -> bool:
        """Whether its last day is past."""
        return self.until is not None and _day(self.until) < datetime.date.today()

    def record(self) -> dict[str, str | None]:
        """The fields, as they stand in `subject.yaml`."""
        return asdict(self)

    def signed(self, subject: str, home: Path) -> Consent:
        """The same, signed by a home for the subject of that name.

        Raises:
            StorageError: if the home's key cannot be read or made.
        """
        key, signature = sign(self._said(subject), home)
        return replace(self, key=key, signature=signature)

    def is_signed_for(self, subject: str) -> bool:
        """Whether it is as it was signed, for the subject of that name."""
        return is_signed(self._said(subject), self.key, self.signature)

    def _said(self, subject: str) -> dict[str, str | None]:
        said = {k: v for k, v in self.record().items() if k not in ("key", "signature")}
        return {"subject": subject, **said}


def _day(text: str) -> datetime.date:
    try:
        day = datetime.date.fromisoformat(text)
        if day.isoformat() != text:
            raise ValueError(text)
    except (TypeError, ValueError) as error:
        raise ConsentError(f"consent of the day {text!r}: write it as in '2025-01-31'.") from error
    return day
