"""Identity: which person a set of photos is about, and which pictures stand apart.

Shape suffixes: N faces of all the photos, D numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from subjects.faces import leave_one_out, similarity_to

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from subjects.faces import Face

_ROUNDS = 3
_LEAST_RIVAL = 3
_LEAST_COMPARED = 3
"""Of two pictures that differ nobody knows which one is wrong."""


@dataclass(frozen=True)
class Choice:
    """The face of a photo that is most like the subject's.

    Attributes:
        face: its place in the photo's list.
        similarity: its cosine with the normalised mean of the subject's faces in the other photos;
            1 where no other photo shows the subject.
        same: whether it is the subject.
    """

    face: int
    similarity: float
    same: bool


def choose_person(
    photos: Sequence[Sequence[Face]], *, same_person: float, like: int | None = None
) -> list[Choice | None]:
    """Find the person who is in most photos; of several, the one whose faces are larger.

    Args:
        photos: the faces of each photo.
        same_person: two faces are of one person from this cosine on.
        like: the photo whose largest face is the person's, where somebody said so.

    Returns:
        One choice a photo; None where a photo has no face.
    """
    faces = [face for photo in photos for face in photo]
    if not faces:
        return [None for _ in photos]
    embeddings_ND = np.stack([face.embedding for face in faces])
    photo_N = np.repeat(np.arange(len(photos)), [len(photo) for photo in photos])
    width_N = np.array([face.width for face in faces])

    if like is None:
        anchor = _most_seen(embeddings_ND, photo_N, width_N, same_person)
    else:
        anchor = int(max(np.flatnonzero(photo_N == like), key=lambda face: width_N[face]))
    reference = embeddings_ND[anchor]
    for _ in range(_ROUNDS):
        similarity_N = embeddings_ND @ reference
        best = _best_of_each_photo(similarity_N, photo_N)
        members = [face for face in best if similarity_N[face] >= same_person]
        mean = embeddings_ND[members or [anchor]].mean(0)
        reference = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return _choices(embeddings_ND, photo_N, best, members or [anchor], same_person, len(photos))


def rival(
    photos: Sequence[Sequence[Face]], choices: Sequence[Choice | None], *, same_person: float
) -> int | None:
    """A photo that shows somebody who is in as many photos as the person chosen.

    Args:
        photos: the faces of each photo.
        choices: from `choose_person`.
        same_person: two faces are of one person from this cosine on.

    Returns:
        its place in the list; None where nobody else is in as many, or in less than three.
    """
    chosen = {i: c.face for i, c in enumerate(choices) if c is not None and c.same}
    others = [
        (i, face.embedding)
        for i, faces in enumerate(photos)
        for number, face in enumerate(faces)
        if chosen.get(i) != number
    ]
    for i, embedding in others:
        alike = {j for j, other in others if float(embedding @ other) >= same_person}
        if len(alike) >= max(len(chosen), _LEAST_RIVAL):
            return i
    return None


def likenesses_of(
    embeddings: Sequence[NDArray[np.float32] | None],
) -> tuple[list[float | None], float]:
    """How like the others each picture of a pet or an object is.

    Args:
        embeddings: one a picture, of length one, or None.

    Returns:
        Each one's cosine with the normalised mean of all the others, None where there is none; and
        the least that does not stand apart: three deviations below the median, the deviation
        told by the median distance from it, and a tenth below it at least.
    """
    known = [i for i, embedding in enumerate(embeddings) if embedding is not None]
    found: list[float | None] = [None] * len(embeddings)
    if len(known) < _LEAST_COMPARED:
        return found, -1.0
    cosines_N = leave_one_out(np.stack([e for e in embeddings if e is not None]))
    for i, cosine in zip(known, cosines_N.tolist(), strict=True):
        found[i] = cosine
    middle = float(np.median(cosines_N))
    spread = 1.4826 * float(np.median(np.abs(cosines_N - middle)))
    return found, middle - max(3 * spread, 0.1)


def _most_seen(
    embeddings_ND: NDArray[np.float32],
    photo_N: NDArray[np.int64],
    width_N: NDArray[np.float64],
    same_person: float,
) -> int:
    """The face that has its like in most photos."""
    alike_NN = embeddings_ND @ embeddings_ND.T >= same_person

    def rank(face: int) -> tuple[int, float]:
        like = np.flatnonzero(alike_NN[face])
        return len(np.unique(photo_N[like])), float(np.median(width_N[like]))

    return max(range(len(embeddings_ND)), key=rank)


def _best_of_each_photo(similarity_N: NDArray[np.float32], photo_N: NDArray[np.int64]) -> list[int]:
    photos = np.unique(photo_N)
    return [int(max(np.flatnonzero(photo_N == p), key=lambda i: similarity_N[i])) for p in photos]


def _choices(
    embeddings_ND: NDArray[np.float32],
    photo_N: NDArray[np.int64],
    best: list[int],
    members: list[int],
    same_person: float,
    photos: int,
) -> list[Choice | None]:
    """Compare each photo's best face with the subject's in all the other photos."""
    choices: list[Choice | None] = [None] * photos
    for face in best:
        photo = int(photo_N[face])
        others = [member for member in members if member != face]
        alike = 1.0
        if others:
            alike = float(similarity_to(embeddings_ND[[face]], embeddings_ND[others])[0])
        first = int(np.flatnonzero(photo_N == photo)[0])
        choices[photo] = Choice(face - first, alike, face in members)
    return choices
