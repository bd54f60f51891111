"""Captions: what the audit measured of a photo, in words, and never how the subject looks.

What a caption names can be asked for in another way later; what it leaves open is learnt as the
subject's own. So a caption has the trigger word, what kind of thing it is, the shot, the
view, and what a vision-language model says of the rest; where there is none, the expression.
"""

from __future__ import annotations

import re

from subjects.framing import SHOTS, VIEWS_IN_WORDS

_MEASURED = re.compile(
    rf"(, ({'|'.join(SHOTS)}))?(, ({'|'.join(VIEWS_IN_WORDS)}))?(, with an? \w+ face)?"
)


def caption(
    trigger: str,
    class_noun: str,
    *,
    shot: str | None = None,
    view: str | None = None,
    expression: str | None = None,
    description: str = "",
) -> str:
    """A caption such as "mira, a person, close-up, facing the camera, walking in the rain".

    Args:
        trigger: the word that will call the subject.
        class_noun: what kind of thing it is.
        shot: how near it is, such as "close-up"; None where there is no face.
        view: which way it looks, such as "facing the camera"; None where there is no face.
        expression: of the face; None where nothing tells.
        description: what else is seen, but not how the subject looks.
    """
    parts = [trigger, with_article(class_noun), *filter(None, (shot, view))]
    if description:
        parts.append(description)
    elif expression is not None:
        parts.append(f"with {with_article(expression)} face")
    return ", ".join(parts)


def is_described(text: str, called: str) -> bool:
    """Whether a caption says more than an audit measures: what a person or a model wrote.

    Args:
        text: the caption.
        called: what it begins with where nobody has changed it, such as "mira, a person".
    """
    return _MEASURED.fullmatch(text.removeprefix(called)) is None


def with_article(class_noun: str) -> str:
    """The noun as a caption has it: "a person", "an object"."""
    return f"{'an' if class_noun[0].lower() in 'aeiou' else 'a'} {class_noun}"
