"""The split: photos that are put aside, never trained on, for clips to be measured against.

A clip that is compared with the very photos that its adapter learnt is praised for remembering
them; compared with others it is praised for the likeness alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from subjects.errors import SubjectError
from subjects.metadata import Photo
from subjects.verdicts import KEEP

HELD_OUT = 2
"""How many photos are put aside, if not said otherwise."""
FEWEST_TO_SPLIT = 10
"""Of fewer photos each is needed more for learning than for measuring."""
_FEWEST_TO_LEARN = 6


def split(photos: Sequence[Photo], held_out: int = HELD_OUT) -> tuple[Photo, ...]:
    """Mark the photos to put aside: of the good ones the most typical.

    Args:
        photos: what is stored.
        held_out: how many; none if the photos are fewer than `FEWEST_TO_SPLIT`, or show no face.

    Returns:
        the photos in their order; those whose likeness to the others is nearest to the middle of
        all the likenesses are held out.

    Raises:
        SubjectError: if too few would be left to learn from.
    """
    likenesses = {
        photo.path.name: photo.measures.similarity
        for photo in photos
        if photo.measures.similarity is not None
    }
    if len(likenesses) < FEWEST_TO_SPLIT:
        return tuple(photos)
    most = len(likenesses) - _FEWEST_TO_LEARN
    if held_out > most:
        raise SubjectError(
            f"{held_out} photos to hold out of {len(likenesses)}: at most {most}, so that "
            f"{_FEWEST_TO_LEARN} are left to learn from."
        )
    middle = float(np.median(list(likenesses.values())))
    good = [p.path.name for p in photos if p.verdict == KEEP and p.path.name in likenesses]
    typical = sorted(good, key=lambda name: abs(likenesses[name] - middle))[:held_out]
    return tuple(replace(photo, held_out=photo.path.name in typical) for photo in photos)
