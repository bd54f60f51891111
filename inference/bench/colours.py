"""Scores that need no network: colours, read where they are known to be.

A judge may be wrong in the same way as what it judges; a mean of pixels cannot.
Shape suffixes: F frames, H rows, W columns, 3 colours in [0, 1], P places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Generator

from bases.pixels import as_frames
from bases.pocket.judge.traits import COLOURS, SAME_COLOUR, trait
from bases.pocket.shape import PocketShape
from bases.pocket.world import Look, Scene, film, sample_looks, sample_scenes
from bases.video import Frames

Colours = NDArray[np.float64]
_CORNER = 6
"""A corner is so small a part of the picture's side; nobody stands there."""
_REFERENCES = 12
_TOO_SMALL = ("iris",)


def colour_shares(frames: Frames, look: Look, kind: str) -> dict[str, float]:
    """By trait that is a colour, the share of the clip's middle that has it.

    What covers a few pixels alone, such as an iris, is left out.

    Args:
        frames: the clip.
        look: who should be seen, one row.
        kind: "person", "pet" or "object".
    """
    width = frames.shape[2]
    middle = frames[:, :, width // 5 : width - width // 5].reshape(-1, 3) / 255
    shares = {}
    for name in COLOURS[kind]:
        if name not in _TOO_SMALL:
            off = np.abs(middle - trait(look, kind, name)[0].numpy()).mean(1)
            shares[name] = float((off < SAME_COLOUR).mean())
    return shares


class Backdrops:
    """Tells places by the colours of a picture's four corners.

    Args:
        shape: of the clips, whose world has the places.
        light: in which the places are seen.
    """

    def __init__(self, shape: PocketShape, light: str) -> None:
        """Draw every place a few times."""
        self.places: Sequence[str] = shape.world.place
        self.known_P12 = np.stack([_mean_corners(shape, place, light) for place in self.places])

    def place_of(self, frames: Frames) -> str:
        """The place whose corners are nearest to the clip's."""
        off_P = np.abs(self.known_P12 - _corners(frames)).mean(1)
        return self.places[int(off_P.argmin())]


def _mean_corners(shape: PocketShape, place: str, light: str) -> Colours:
    generator = Generator().manual_seed(0)
    looks = sample_looks(_REFERENCES, generator)
    scenes: Scene = sample_scenes(_REFERENCES, generator, shape.world, place=place, light=light)
    frames = as_frames(film(looks, scenes, size=shape.size)[:, :, 0])
    return np.mean([_corners(frame[None]) for frame in frames], axis=0)


def _corners(frames: Frames) -> Colours:
    """Mean colours of the four corners over the clip, (12,)."""
    edge = max(1, frames.shape[1] // _CORNER)
    rows = (slice(None, edge), slice(-edge, None))
    parts = [frames[:, row, column] for row in rows for column in rows]
    return np.concatenate([part.reshape(-1, 3).mean(0) / 255 for part in parts])
