"""Sets of drawn photos with faults planted at known places.

Shape suffixes: N photos, H rows, W columns.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Generator

from bases.pixels import as_frames
from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import film, sample_looks, sample_scenes
from bases.pocket.world.looks import Look
from bases.pocket.world.truth import face_truth

FAULTS = ("another person", "blur", "duplicate", "tiny face", "occlusion")
SIZE = 256

Picture = NDArray[Any]
_SEED = 95_000_000
_GOOD = 7
_BLUR, _TINY, _COVERED = 0.04, 24.0, 0.45


@dataclass(frozen=True)
class PlantedSet:
    """Twelve photos of one individual.

    Attributes:
        pictures: (SIZE, SIZE, 3) each.
        faults: what was planted in each, None in a good one.
        boxes: (4,) the subject's face in each, in pixels.
    """

    pictures: list[Picture]
    faults: list[str | None]
    boxes: list[NDArray[np.float32]]

    def write(self, folder: Path) -> list[Path]:
        """Write them as files, in order."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{number:02d}.png" for number in range(len(self.pictures))]
        for path, picture in zip(paths, self.pictures, strict=True):
            Image.fromarray(picture).save(path, compress_level=1)
        return paths


def planted_set(number: int, *, bystanders: bool) -> PlantedSet:
    """Seven good photos, and one of each of the five faults, the order shuffled.

    Args:
        number: decides who is in it, and all else.
        bystanders: whether somebody stands beside the subject in three of the good photos, the same
            in two of them.
    """
    generator = Generator().manual_seed(_SEED + number)
    rng = np.random.default_rng(number)
    look = sample_looks(2, generator)
    own, boxes = _draw(look[[0] * (_GOOD + 3)], generator)
    stranger, stranger_box = _draw(look[[1]], generator)
    soft, tiny, covered = (_GOOD + i for i in range(3))
    good = [(own[i], None, boxes[i]) for i in range(_GOOD)]
    if bystanders:
        for i, who in enumerate((1, 1, 2)):
            good[i] = (_beside(own[i], boxes[i], who, look, generator), None, boxes[i])
    again = int(rng.integers(_GOOD))
    far, far_box = _far(own[tiny], boxes[tiny])
    planted = [
        (stranger[0], "another person", stranger_box[0]),
        (_soft(own[soft], boxes[soft]), "blur", boxes[soft]),
        (_saved_again(good[again][0], rng), "duplicate", good[again][2]),
        (far, "tiny face", far_box),
        (_covered(own[covered], boxes[covered], rng), "occlusion", boxes[covered]),
    ]
    every = [*good, *planted]
    shuffled = [every[i] for i in rng.permutation(len(every))]
    return PlantedSet(*(list(part) for part in zip(*shuffled, strict=True)))


def _draw(look: Look, generator: Generator) -> tuple[list[Picture], list[NDArray[np.float32]]]:
    scene = sample_scenes(len(look), generator, PEOPLE)
    pictures = as_frames(film(look, scene, size=SIZE)[:, :, 0])
    boxes = face_truth(look, scene, size=SIZE).box[:, 0].float().numpy()
    return list(pictures), list(boxes)


def _beside(
    picture: Picture, box: NDArray[np.float32], who: int, look: Look, generator: Generator
) -> Picture:
    """The photo with another one's smaller head set into the side that is freer."""
    other = look[[1]] if who == 1 else sample_looks(1, generator)
    (stranger,), (place,) = _draw(other, generator)
    left, top, right, bottom = (int(v) for v in np.clip(place, 0, SIZE - 1))
    pad = (right - left) // 3
    head = stranger[max(top - pad, 0) : bottom + pad // 3, max(left - pad, 0) : right + pad]
    side = int(0.75 * min(box[2] - box[0], 90))
    head = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    x = 2 if (box[0] + box[2]) / 2 > SIZE / 2 else SIZE - side - 2
    picture = picture.copy()
    picture[SIZE - side - 2 : SIZE - 2, x : x + side] = head
    return picture


def _soft(picture: Picture, box: NDArray[np.float32]) -> Picture:
    return cv2.GaussianBlur(picture, (0, 0), _BLUR * float(box[2] - box[0]))


def _saved_again(picture: Picture, rng: np.random.Generator) -> Picture:
    """Cropped by a percent, resized, and saved as JPEG of some quality."""
    edge = 2
    cropped = Image.fromarray(picture[edge:-edge, edge:-edge])
    buffer = io.BytesIO()
    side = int(rng.integers(180, SIZE))
    cropped.resize((side, side)).save(buffer, format="JPEG", quality=int(rng.integers(70, 96)))
    return np.asarray(Image.open(buffer).resize((SIZE, SIZE)))


def _far(picture: Picture, box: NDArray[np.float32]) -> tuple[Picture, NDArray[np.float32]]:
    """The photo made so small within a plain one that the face is too."""
    scale = _TINY / float(box[2] - box[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    colour = picture[:4].mean((0, 1)).astype(np.uint8)
    canvas = np.full_like(picture, colour)
    at = (SIZE - np.array(small.shape[:2])) // 2
    if small.shape[0] <= SIZE:
        canvas[at[0] : at[0] + small.shape[0], at[1] : at[1] + small.shape[1]] = small
    else:
        canvas = small[:SIZE, :SIZE]
    return canvas, box * scale + np.tile(at[::-1], 2)


def _covered(picture: Picture, box: NDArray[np.float32], rng: np.random.Generator) -> Picture:
    """A plain object held before the eyes or the mouth."""
    left, top, right, bottom = (float(edge) for edge in box)
    height = _COVERED * (bottom - top)
    start = top + 0.12 * (bottom - top) if rng.random() < 0.5 else bottom - height
    picture = picture.copy()
    corner, end = (int(left), int(start)), (int(right), int(start + height))
    colour = [int(c) for c in rng.integers(30, 226, 3)]
    cv2.rectangle(picture, corner, end, colour, -1)
    cv2.rectangle(picture, corner, end, (20, 20, 20), 2)
    return picture
