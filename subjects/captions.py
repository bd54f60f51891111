"""Captions: what the audit measured of a photo, in words, and never how the subject looks.

What a caption names can be asked for in another way later; what it leaves open is learnt as the
subject's own. So a caption has the trigger word, what kind of thing it is, the shot, the
view, and what a vision-language model says of the rest; where there is none, the expression.
"""

from __future__ import annotations

from subjects.limits import PEOPLE, Limits

_FACING_DEGREES = 25
_PROFILE_DEGREES = 60


def caption(
    trigger: str,
    class_noun: str,
    *,
    face_share: float | None = None,
    yaw: float | None = None,
    expression: str | None = None,
    limits: Limits = PEOPLE,
    description: str = "",
) -> str:
    """A caption such as "mira, a person, close-up, facing the camera, walking in the rain".

    Args:
        trigger: the word that will call the subject.
        class_noun: what kind of thing it is.
        face_share: the face's height over the picture's; None where there is no face.
        yaw: degrees the head is turned; None where there is no face.
        expression: of the face; None where nothing tells.
        limits: where the names of shots begin.
        description: what else is seen, but not how the subject looks.
    """
    parts = [trigger, with_article(class_noun)]
    if face_share is not None:
        parts.append(_shot(face_share, limits))
    if yaw is not None:
        parts.append(_view(abs(yaw)))
    if description:
        parts.append(description)
    elif expression is not None:
        parts.append(f"with {with_article(expression)} face")
    return ", ".join(parts)


def with_article(class_noun: str) -> str:
    """The noun as a caption has it: "a person", "an object"."""
    return f"{'an' if class_noun[0].lower() in 'aeiou' else 'a'} {class_noun}"


def _shot(face_share: float, limits: Limits) -> str:
    if face_share >= limits.close_up:
        return "close-up"
    return "medium shot" if face_share >= limits.medium else "wide shot"


def _view(turned: float) -> str:
    if turned < _FACING_DEGREES:
        return "facing the camera"
    return "three-quarter view" if turned < _PROFILE_DEGREES else "in profile"
