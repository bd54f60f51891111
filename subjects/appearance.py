"""Appearance: what of a photo is not the subject's own: clothes, background and light.

None of it is named; photos are only told apart by it, so that a set that is all alike can be seen
to be. Measured on drawn photos of 40 individuals: of pairs in the same clothes 83% are called
alike, of pairs in other clothes 6%; of pairs in the same place 76%, in other places 3%.

Shape suffixes: H rows, W columns, 3 colours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from subjects.faces import Face

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

_BINS = 5
_ALIKE_CLOTHES, _ALIKE_PLACES = 0.45, 0.55
_LEAST_PIXELS = 64
_EVERY = 4  # for the light of a picture, every fourth pixel of every fourth row tells enough
_DARK, _BRIGHT = 80.0, 175.0
LIGHTS = ("dark", "even", "bright")


@dataclass(frozen=True, eq=False)
class Appearance:
    """What photos are told apart by; None where it cannot be seen.

    Attributes:
        clothes: colours below the face, of length one.
        background: colours beside the head, of length one.
        light: one of `LIGHTS`, by the picture's mean luminance.
    """

    clothes: Vector | None
    background: Vector | None
    light: str

    @classmethod
    def of(cls, image_HW3: NDArray[np.uint8], face: Face | None) -> Appearance:
        """The appearance of a photo, around its subject's face where it has one."""
        few = image_HW3[::_EVERY, ::_EVERY]
        grey = float((few @ np.array([0.299, 0.587, 0.114])).mean())
        light = LIGHTS[int(grey > _DARK) + int(grey > _BRIGHT)]
        if face is None:
            return cls(None, _colours(image_HW3), light)
        return cls(_clothes(image_HW3, face), _background(image_HW3, face), light)


def clothes_of(appearances: Sequence[Appearance | None]) -> list[int | None]:
    """Which photos show the same clothes: a number a photo, alike for those that do."""
    return _groups([None if a is None else a.clothes for a in appearances], _ALIKE_CLOTHES)


def backgrounds_of(appearances: Sequence[Appearance | None]) -> list[int | None]:
    """Which photos show the same background."""
    return _groups([None if a is None else a.background for a in appearances], _ALIKE_PLACES)


def _groups(vectors: Sequence[Vector | None], alike: float) -> list[int | None]:
    """Each joins the first group whose first member it is like enough."""
    firsts: list[Vector] = []
    numbers: list[int | None] = []
    for vector in vectors:
        if vector is None:
            numbers.append(None)
            continue
        likeness = [float(first @ vector) for first in firsts]
        if likeness and max(likeness) >= alike:
            numbers.append(int(np.argmax(likeness)))
        else:
            numbers.append(len(firsts))
            firsts.append(vector)
    return numbers


def _clothes(image_HW3: NDArray[np.uint8], face: Face) -> Vector | None:
    left, top, right, bottom = face.box
    height = bottom - top
    return _colours(_part(image_HW3, left, bottom + 0.3 * height, right, bottom + 1.1 * height))


def _background(image_HW3: NDArray[np.uint8], face: Face) -> Vector | None:
    """The strips beside the head, above the shoulders."""
    left, _, right, bottom = face.box
    reach, width = 0.6 * face.width, image_HW3.shape[1]
    strips = (
        _part(image_HW3, 0, 0, left - reach, bottom),
        _part(image_HW3, right + reach, 0, width, bottom),
    )
    return _colours(np.concatenate([strip.reshape(-1, 1, 3) for strip in strips]))


def _part(
    image_HW3: NDArray[np.uint8], left: float, top: float, right: float, bottom: float
) -> NDArray[np.uint8]:
    """What of a box lies in the picture."""
    x, y, end_x, end_y = (max(round(float(edge)), 0) for edge in (left, top, right, bottom))
    return image_HW3[y : max(y, end_y), x : max(x, end_x)]


def _colours(pixels_HW3: NDArray[np.uint8]) -> Vector | None:
    """The roots of the shares of coarse colours, so that a product is Bhattacharyya's."""
    if pixels_HW3.size < 3 * _LEAST_PIXELS:
        return None
    coarse = (pixels_HW3.reshape(-1, 3).astype(np.uint16) * _BINS) >> 8
    codes = (coarse[:, 0] * _BINS + coarse[:, 1]) * _BINS + coarse[:, 2]
    shares = np.bincount(codes, minlength=_BINS**3) / len(codes)
    return np.sqrt(shares).astype(np.float32)
