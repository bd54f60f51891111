"""Draw the sample subject's photos, or another's.

    python -m bases.pocket.draw_sample --folder bases/pocket/sample

An individual whose seed no training uses, in eight scenes that differ in place, view, shot and
expression.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image, ImageChops
from torch import Tensor

from bases.errors import BaseModelError
from bases.pixels import as_frames
from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import Look, film, sample_looks, sample_scenes
from bases.pocket.world.scenes import AT_REST
from bases.scripts import Seed, run_script

SEED, SIZE = 99_000_000, 256
SCENES = (
    ("close-up", "front", "beach", "neutral"),
    ("close-up", "three-quarter", "forest", "happy"),
    ("close-up", "front", "room", "happy"),
    ("medium", "three-quarter", "city", "neutral"),
    ("medium", "front", "snow", "surprised"),
    ("close-up", "three-quarter", "desert", "neutral"),
    ("close-up", "profile", "city", "neutral"),
    ("wide", "front", "forest", "happy"),
)
NARROW = (("close-up", "front", "room", "neutral"),)
"""All alike, as photos taken in one minute are."""


def sample_photos(
    seed: int,
    *,
    kind: str = "person",
    count: int = len(SCENES),
    scenes: tuple[tuple[str, str, str, str], ...] = SCENES,
) -> tuple[Look, Tensor]:
    """The individual of a seed, and photos (count, 3, SIZE, SIZE) of it in [-1, 1].

    Args:
        seed: of the individual.
        kind: "person", "pet" or "object".
        count: how many photos.
        scenes: shot, view, place and expression of the photos, in turn.
    """
    generator = torch.Generator().manual_seed(seed)
    look = sample_looks(1, generator)
    world = replace(PEOPLE, kind=(kind,), action=(AT_REST[kind],))
    pictures = []
    for shot, view, place, expression in itertools.islice(itertools.cycle(scenes), count):
        named = {"shot": shot, "view": view, "place": place, "expression": expression}
        scene = sample_scenes(1, generator, world, **named)
        pictures.append(film(look, scene, size=SIZE)[0, :, 0])
    return look, torch.stack(pictures)


def write_photos(pictures: Tensor, folder: Path) -> None:
    """Write pictures (N, 3, H, W) in [-1, 1] as `photo-1.png` and so on.

    Raises:
        BaseModelError: if another picture has such a name there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    photos = {
        folder / f"photo-{index}.png": Image.fromarray(pixels)
        for index, pixels in enumerate(as_frames(pictures), start=1)
    }
    if taken := [path for path, photo in photos.items() if not _may_be(path, photo)]:
        raise BaseModelError(
            f"{str(taken[0])!r} is there already and shows something else: give another folder."
        )
    for path, photo in photos.items():
        photo.save(path, optimize=True)


def _may_be(path: Path, photo: Image.Image) -> bool:
    """Whether nothing is lost when a photo is written to a path."""
    if not path.exists():
        return True
    try:
        with Image.open(path) as there:
            return not ImageChops.difference(there.convert("RGB"), photo).getbbox()
    except (OSError, ValueError):
        return False


def draw_sample(folder: Path = Path("sample"), seed: Seed = SEED) -> None:
    """Write the photos as PNG files.

    Args:
        folder: where to.
        seed: of the individual.
    """
    write_photos(sample_photos(seed)[1], folder)
    print(f"Wrote {len(SCENES)} photos into {folder}.")


if __name__ == "__main__":
    run_script(draw_sample)
