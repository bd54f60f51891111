from __future__ import annotations

import pytest

from subjects import SubjectError
from subjects.words import class_noun_in, trigger_of


@pytest.mark.parametrize(
    ("name", "trigger"),
    [("mira", "mira"), ("Mira-B", "mirab"), ("e2", "etwo"), ("cat_10", "catonezero")],
)
def test_names_that_differ_in_digits_have_triggers_that_differ(name: str, trigger: str) -> None:
    assert trigger_of(name) == trigger


@pytest.mark.parametrize("noun", ["person", "old woman", "t-shirt", "golden retriever"])
def test_a_noun_is_a_word_or_two(noun: str) -> None:
    assert class_noun_in(noun) == noun


@pytest.mark.parametrize("noun", ["", "person with brown hair", "dog3", "a, b"])
def test_a_noun_that_says_more_is_refused(noun: str) -> None:
    with pytest.raises(SubjectError, match="it must be a word or two of letters"):
        class_noun_in(noun)
