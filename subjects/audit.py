"""The audit: which photos to learn from, and why not the others.

Each photo is decoded, measured and let go again, so that a thousand of them need no more memory
than one; the verdicts follow once all have been seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from subjects.appearance import Appearance, backgrounds_of, clothes_of
from subjects.duplicates import Fingerprint, are_near_duplicates
from subjects.errors import PhotoError
from subjects.exposure import contrast_and_burnt
from subjects.faces import Face, Finder
from subjects.identity import Choice, choose_person
from subjects.intake import Intake
from subjects.sharpness import face_blur, picture_blur
from subjects.verdicts import (
    DROP,
    PEOPLE,
    AuditedPhoto,
    Limits,
    Marks,
    Seen,
    judge_person,
    judge_thing,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

_VISIBLE_BLUR = 0.005

Progress = Callable[[int, int], None]
"""Called with how many photos are done, and of how many."""


def audit(
    intake: Intake,
    *,
    faces: Finder | None,
    limits: Limits = PEOPLE,
    progress: Progress | None = None,
) -> list[AuditedPhoto]:
    """Give every photo a verdict.

    Faces are embedded here: `add_subject` calls this once there is a record of consent, and nothing
    else should.

    Args:
        intake: the photos.
        faces: finds and recognises faces, for a person; None for pets and objects, where faces are
            neither looked for nor measured.
        limits: what a photo must reach.
        progress: told after every photo.

    Returns:
        One verdict a source, in the same order.
    """
    seen, sources = [], intake.sources
    for source, picture in zip(sources, intake.pictures(sources), strict=True):
        seen.append(_look(source.label, picture, faces, limits))
        if progress:
            progress(len(seen), len(sources))
    if faces is None:
        judged = [judge_thing(photo, limits) for photo in seen]
        choices: list[Choice | None] = [None] * len(seen)
    else:
        choices = choose_person([photo.faces for photo in seen], same_person=limits.same_person)
        pairs = zip(seen, choices, strict=True)
        judged = [judge_person(photo, choice, limits) for photo, choice in pairs]
    return _told_apart(_without_duplicates(judged, seen, choices, limits), seen, choices)


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


def _look(source: str, picture: Image | PhotoError, faces: Finder | None, limits: Limits) -> Seen:
    if isinstance(picture, PhotoError):
        return Seen(source, problem=picture.reason)
    image_HW3 = np.asarray(picture)
    height, width = image_HW3.shape[:2]
    if min(height, width) < limits.min_side:
        problem = f"too small ({width}x{height}, at least {limits.min_side} a side is needed)"
        return Seen(source, width, height, problem=problem)
    found = faces.find(image_HW3) if faces else []
    return Seen(
        source=source,
        width=width,
        height=height,
        fingerprint=Fingerprint.of(image_HW3),
        whole=Marks(picture_blur(image_HW3), *contrast_and_burnt(image_HW3)),
        faces=found,
        marks=[_marks(image_HW3, face) for face in found],
        appearances=[Appearance.of(image_HW3, face) for face in found or (None,)],
    )


def _marks(image_HW3: NDArray[np.uint8], face: Face) -> Marks:
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
