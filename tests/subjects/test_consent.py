from __future__ import annotations

import datetime

import pytest

from subjects import CONSENT_TEXT, GROUNDS, Consent, ConsentError


def test_todays_consent_is_dated_today() -> None:
    consent = Consent.today("Mira", "self")
    assert consent.date == datetime.date.today().isoformat()
    assert Consent(**consent.record()) == consent


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("whose", " ", "say whose likeness"),
        ("ground", "found online", "'found online': it must be one of self, authorised, synthetic"),
        ("date", "yesterday", "'yesterday': write it as in"),
    ],
)
def test_a_field_that_says_nothing_is_refused(field: str, value: str, message: str) -> None:
    fields = {"whose": "Mira", "ground": "self", "date": "2025-01-31", field: value}
    with pytest.raises(ConsentError, match=message):
        Consent(**fields)


def test_the_text_explains_every_ground() -> None:
    assert all(f"\n  {ground} " in CONSENT_TEXT for ground in GROUNDS)


def test_an_answer_that_is_over_when_it_is_given_is_refused() -> None:
    with pytest.raises(ConsentError, match="until '2020-01-01'.* it would end before it begins"):
        Consent.today("Mira", "self", until="2020-01-01")
