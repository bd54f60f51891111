"""What is said of a subject's photos in training: what is named is not learnt as the subject's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from bases.family import Family
from finetune.examples import Example
from finetune.lights import DAY
from finetune.surroundings import seen_around
from subjects import Subject
from subjects.captions import is_described

_STILL = {
    "person": "standing still, static camera",
    "pet": "standing still, static camera",
    "object": "not moving, static camera",
}
"""What captions say too, where they are to say that nothing moves."""


def photo_captions(
    photos: Sequence[Example],
    subject: Subject,
    family: Family,
    *,
    views: int,
    lights: Sequence[str],
    surroundings: bool,
    stillness: bool,
    dtype: torch.dtype,
    device: torch.device,
) -> list[str | None]:
    """A caption for every view of every photo.

    Args:
        photos: the views of one photo after the other, those in its own light first and then those
            in each of the lights, equally many.
        subject: whose photos.
        family: the base.
        views: of each photo.
        lights: that photos by day were brought into too.
        surroundings: whether a place and a light are named, as the base sees them, where neither a
            person nor a captioner wrote the caption.
        stillness: whether it is said that nothing moves.
        dtype: of the base.
        device: of the base.

    Returns:
        the captions; None for a view in another light of a photo that was not seen to be by day,
        as that of a caption that somebody wrote.
    """
    alike = views // (1 + len(lights))
    around: dict[int, str] = {}
    if surroundings:
        taken = range(0, len(photos), views)
        bare = [n for n in taken if not is_described(photos[n].caption, subject.called)]
        pictures, noun = [photos[n].latents for n in bare], subject.class_noun
        seen = seen_around(pictures, family, class_noun=noun, dtype=dtype, device=device)
        around = dict(zip(bare, seen, strict=True))
    captions: list[str | None] = []
    for number, photo in enumerate(photos):
        light = ("", *lights)[number % views // alike]
        where = _in_light(around.get(number - number % views, ""), light)
        words = [photo.caption, where, _STILL[subject.kind] if stillness else ""]
        captions.append(None if where is None else ", ".join(filter(None, words)))
    return captions


def captioned(
    photos: Sequence[Example], captions: Sequence[str | None], views: int, lights: Sequence[str]
) -> list[Example]:
    """The views that have a caption, with it.

    Where there are other lights, those of each photo come equally often in all: half of the time
    in its own light, and always where it is in no other. The arguments are those of
    `photo_captions`, and what it gave.
    """
    chosen, alike = list[Example](), views // (1 + len(lights))
    for first in range(0, len(photos), views):
        of_one = range(first, first + views)
        own, lit = (
            [
                replace(photos[n], caption=caption)
                for n in part
                if (caption := captions[n]) is not None
            ]
            for part in (of_one[:alike], of_one[alike:])
        )
        copies = len(lights) * (1 if lit else 2) or 1
        chosen += own * copies + lit
    return chosen


def _in_light(around: str, light: str) -> str | None:
    """A place and its light, "at the beach, by day", in another light; None if it is not by day."""
    if not light:
        return around
    return around.removesuffix(DAY) + light if around.endswith(DAY) else None
