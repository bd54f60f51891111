"""The audit: which photos to learn from, and why not the others.

Each photo is decoded, measured and let go again, so that a thousand of them need no more memory
than one; the verdicts follow once all have been seen.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from subjects.appearance import Appearance, backgrounds_of, clothes_of
from subjects.duplicates import Fingerprint, are_near_duplicates
from subjects.encoders import Encoder
from subjects.errors import PhotoError, SubjectError
from subjects.exposure import contrast_and_burnt
from subjects.faces import Face, FaceCounter, Finder
from subjects.identity import Choice, choose_person, likenesses_of, rival
from subjects.intake import Intake
from subjects.limits import PEOPLE, Limits
from subjects.measures import Marks
from subjects.sharpness import face_blur, picture_blur
from subjects.sources import Source
from subjects.verdicts import DROP, AuditedPhoto, Seen, judge_person, judge_thing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]

_VISIBLE_BLUR = 0.005
_LISTED = 12

Progress = Callable[[int, int], None]
"""Called with how many photos are done, and of how many."""


def audit(
    intake: Intake,
    *,
    faces: Finder,
    limits: Limits = PEOPLE,
    like: str | None = None,
    progress: Progress | None = None,
) -> list[AuditedPhoto]:
    """Give every photo of a person a verdict.

    Faces are embedded here: `add_subject` calls this once there is a record of consent, and nothing
    else should.

    Args:
        intake: the photos.
        faces: finds and recognises faces.
        limits: what a photo must reach.
        like: the photo, as the audit calls it, whose largest face is the subject's; the person who
            is in most photos if None.
        progress: told after every photo.

    Returns:
        One verdict a source, in the same order.

    Raises:
        SubjectError: if the photo named does not show a face, or somebody else is in as many photos
            as the subject and none was named.
    """
    seen = _look_at_all(intake, progress, partial(_look_for_faces, faces=faces, limits=limits))
    found = [photo.faces for photo in seen]
    named = None if like is None else _named(seen, intake.sources, like)
    choices = choose_person(found, same_person=limits.same_person, like=named)
    if named is None:
        _refuse_rivals(seen, choices, limits)
    pairs = zip(seen, choices, strict=True)
    judged = [judge_person(photo, choice, limits) for photo, choice in pairs]
    return _told_apart(_without_duplicates(judged, seen, choices, limits), seen, choices)


def audit_things(
    intake: Intake,
    *,
    faces: FaceCounter | None = None,
    encoder: Encoder | None = None,
    limits: Limits = PEOPLE,
    progress: Progress | None = None,
) -> list[AuditedPhoto]:
    """Give every photo of a pet or an object a verdict; see `audit`.

    Args:
        intake: the photos.
        faces: looks for a person's face, which must not be there, and embeds none; nobody looks if
            None.
        encoder: compares the photos, so that one of something else stands apart; nothing does if
            None.
        limits: what a photo must reach.
        progress: told after every photo.

    Raises:
        SubjectError: if a photo shows a face.
    """
    look = partial(_look_at_thing, faces=faces, encoder=encoder, limits=limits)
    seen = _look_at_all(intake, progress, look)
    nobody: list[Choice | None] = [None] * len(seen)
    likenesses, least = likenesses_of([photo.embedding for photo in seen])
    pairs = zip(seen, likenesses, strict=True)
    judged = [judge_thing(photo, limits, likeness, least) for photo, likeness in pairs]
    return _told_apart(_without_duplicates(judged, seen, nobody, limits), seen, nobody)


def _look_at_all(
    intake: Intake, progress: Progress | None, look: Callable[[str, Picture], Seen]
) -> list[Seen]:
    seen, sources = [], intake.sources
    for source, picture in zip(sources, intake.pictures(sources), strict=True):
        if isinstance(picture, PhotoError):
            seen.append(Seen(source.label, problem=picture.reason))
        else:
            seen.append(look(source.label, np.asarray(picture)))
        if progress:
            progress(len(seen), len(sources))
    return seen


def _named(seen: list[Seen], sources: Sequence[Source], like: str) -> int:
    """The number of the photo of that path, or of that name if it is the only one."""
    place = os.path.realpath(like)
    there = [number for number, source in enumerate(sources) if source.place == place]
    named = there or [number for number, photo in enumerate(seen) if photo.source == like]
    found = [number for number in named if seen[number].faces]
    if len(found) == 1:
        return found[0]
    if found:
        raise SubjectError(f"{len(found)} photos are called {like!r}: give its path with --face.")
    known = ", ".join(photo.source for photo in seen[:_LISTED] if photo.faces) or "none"
    raise SubjectError(f"no photo {like!r} shows a face; those that do are: {known}.")


def _refuse_rivals(seen: list[Seen], choices: Sequence[Choice | None], limits: Limits) -> None:
    other = rival([photo.faces for photo in seen], choices, same_person=limits.same_person)
    if other is None:
        return
    own = next(i for i, choice in enumerate(choices) if choice is not None and choice.same)
    raise SubjectError(
        f"two people are in as many photos, one in {seen[own].source!r} and one in "
        f"{seen[other].source!r}: name a photo whose largest face is the subject's with --face."
    )


def _told_apart(
    judged: list[AuditedPhoto], seen: list[Seen], choices: Sequence[Choice | None]
) -> list[AuditedPhoto]:
    """The photos that are kept, with numbers for the clothes and the backgrounds in them."""
    pairs = list(zip(judged, seen, choices, strict=True))
    shown = [
        one.appearances[choice.face if choice else 0]
        if photo.verdict != DROP and one.appearances
        else None
        for photo, one, choice in pairs
    ]
    numbers = zip(judged, clothes_of(shown), backgrounds_of(shown), strict=True)
    return [
        replace(photo, measures=replace(photo.measures, clothes=clothes, background=background))
        if photo.measures
        else photo
        for photo, clothes, background in numbers
    ]


def _look_for_faces(source: str, image_HW3: Picture, *, faces: Finder, limits: Limits) -> Seen:
    if problem := _too_small(image_HW3, limits):
        return problem(source)
    found = faces.find(image_HW3)
    return replace(
        _look(source, image_HW3),
        faces=found,
        marks=[_marks(image_HW3, face) for face in found],
        appearances=[Appearance.of(image_HW3, face) for face in found or (None,)],
    )


def _look_at_thing(
    source: str,
    image_HW3: Picture,
    *,
    faces: FaceCounter | None,
    encoder: Encoder | None,
    limits: Limits,
) -> Seen:
    if problem := _too_small(image_HW3, limits):
        return problem(source)
    if faces is not None and faces.count(image_HW3):
        raise SubjectError(
            f"{source!r} shows a person's face: leave the photo out or cut the face off, or add "
            "the subject as --kind person; if it is no face, say so with --nobody."
        )
    return replace(
        _look(source, image_HW3),
        appearances=[Appearance.of(image_HW3, None)],
        embedding=encoder.embed(image_HW3) if encoder else None,
    )


def _too_small(image_HW3: Picture, limits: Limits) -> Callable[[str], Seen] | None:
    height, width = image_HW3.shape[:2]
    if min(height, width) >= limits.min_side:
        return None
    problem = f"too small ({width}x{height}, at least {limits.min_side} a side is needed)"
    return partial(Seen, width=width, height=height, problem=problem)


def _look(source: str, image_HW3: Picture) -> Seen:
    height, width = image_HW3.shape[:2]
    return Seen(
        source=source,
        width=width,
        height=height,
        fingerprint=Fingerprint.of(image_HW3),
        whole=Marks(picture_blur(image_HW3), *contrast_and_burnt(image_HW3)),
    )


def _marks(image_HW3: Picture, face: Face) -> Marks:
    left, top, right, bottom = (max(round(float(edge)), 0) for edge in face.box)
    inside = contrast_and_burnt(image_HW3[top:bottom, left:right])
    return Marks(face_blur(image_HW3, face.box), *inside)


def _without_duplicates(
    judged: list[AuditedPhoto],
    seen: list[Seen],
    choices: Sequence[Choice | None],
    limits: Limits,
) -> list[AuditedPhoto]:
    """Of photos that are nearly the same, keep the sharpest."""
    usable = [i for i, photo in enumerate(judged) if photo.verdict != DROP]
    order = sorted(usable, key=lambda i: (_softness(judged[i]), -seen[i].width * seen[i].height))
    unlike: list[int] = []
    for i in order:
        twin = next((j for j in unlike if _twins(i, j, seen, choices, limits)), None)
        if twin is None:
            unlike.append(i)
        else:
            reason = f"near-duplicate of {seen[twin].source!r}, which is kept"
            judged[i] = replace(judged[i], verdict=DROP, reason=reason)
    return judged


def _softness(photo: AuditedPhoto) -> int:
    """How soft a photo is, in steps that can be seen; of equals, the larger is the better."""
    blur = photo.measures.blur if photo.measures else None
    return round((blur or 0.0) / _VISIBLE_BLUR)


def _twins(
    i: int, j: int, seen: list[Seen], choices: Sequence[Choice | None], limits: Limits
) -> bool:
    one, other = seen[i].fingerprint, seen[j].fingerprint
    if one is None or other is None or not are_near_duplicates(one, other):
        return False
    first, second = choices[i], choices[j]
    if first is None or second is None:
        return True
    alike = seen[i].faces[first.face].embedding @ seen[j].faces[second.face].embedding
    return float(alike) >= limits.same_face
