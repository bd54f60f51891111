"""Words: what a subject may be called."""

from __future__ import annotations

from subjects.errors import SubjectError

_MOST_WORDS = 2
_ARTICLES = ("a", "an", "the")
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def class_noun_in(text: str) -> str:
    """What kind of thing a subject is, such as "person" or "dog".

    Raises:
        SubjectError: if it is not a word or two of letters.
    """
    noun = text.strip()
    parts = noun.replace("-", " ").split(" ")
    if len(parts) > _MOST_WORDS or not all(part.isalpha() for part in parts):
        raise SubjectError(
            f"class noun {text!r}: it must be a word or two of letters, such as 'person' or 'dog'."
        )
    return noun


def trigger_in(text: str) -> str:
    """The word that calls a subject: letters alone, since digits split into common tokens.

    Raises:
        SubjectError: if it is anything else.
    """
    if not text.isalpha():
        raise SubjectError(
            f"trigger {text!r}: it must be one word of letters alone, such as 'mira'."
        )
    return text


def check_apart(trigger: str, class_noun: str) -> None:
    """Make sure that the word which calls a subject is no word that captions are full of.

    Raises:
        SubjectError: if it is an article, or among those of the class noun.
    """
    if trigger.lower() in (*_ARTICLES, *class_noun.lower().replace("-", " ").split()):
        raise SubjectError(
            f"{trigger!r} cannot be the word that calls the subject, for captions say it of every "
            f"{class_noun}: choose another name or trigger, such as 'mira', or another noun."
        )


def trigger_of(name: str) -> str:
    """The trigger that goes with a subject's name: its letters, in lower case, digits as words."""
    spelt = (_DIGITS[int(sign)] if sign.isdecimal() else sign for sign in name)
    return "".join(sign for sign in spelt if sign.isalpha()).lower()
