"""Consent: whose likeness it is, on what ground, and since when.

A person's face is not embedded before such a record exists. It records what was answered to
`CONSENT_TEXT`; it proves nothing by itself, and nobody else's answer can stand in for it.
"""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass

from subjects.errors import ConsentError

GROUNDS = ("self", "authorised", "synthetic")
TEXT_VERSION = "1"
CONSENT_TEXT = """\
These photos will be measured to recognise the face in them, and a model will learn to draw that
face in videos. Both are kept on this machine alone.
  self         I am the person in these photos, and I agree to this.
  authorised   The person in these photos, or their guardian, has agreed to this, and I can show it.
  synthetic    Nobody real is in these photos: they are drawn or generated.
"""


@dataclass(frozen=True)
class Consent:
    """One answer to `CONSENT_TEXT`.

    Attributes:
        whose: the person whose likeness it is, in the words of whoever answered.
        ground: one of `GROUNDS`.
        date: the day of the answer, as in "2025-01-31".
        text_version: the version of the text that was answered.
    """

    whose: str
    ground: str
    date: str
    text_version: str = TEXT_VERSION

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            ConsentError: if a field is empty or not one of the values allowed.
        """
        if not isinstance(self.whose, str) or not self.whose.strip():
            raise ConsentError(f"consent of {self.whose!r}: say whose likeness it is.")
        if self.ground not in GROUNDS:
            raise ConsentError(
                f"consent on the ground {self.ground!r}: it must be one of {', '.join(GROUNDS)}."
            )
        try:
            datetime.date.fromisoformat(self.date)
        except (TypeError, ValueError) as error:
            raise ConsentError(
                f"consent of the day {self.date!r}: write it as in '2025-01-31'."
            ) from error

    @classmethod
    def today(cls, whose: str, ground: str) -> Consent:
        """The record of an answer that is given now, to the text of this version."""
        return cls(whose=whose, ground=ground, date=datetime.date.today().isoformat())

    def record(self) -> dict[str, str]:
        """The fields, as they stand in `subject.yaml`."""
        return asdict(self)
