"""Draw the sample subject's photos.

    python -m bases.pocket.draw_sample

An individual whose seed no training uses, in eight scenes that differ in place, view, shot and
expression.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jsonargparse import auto_cli
from PIL import Image

from bases.pocket import SAMPLE
from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import Look, Scene, film, sample_looks, sample_scenes

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


def sample_photos(seed: int) -> torch.Tensor:
    """Photos (8, 3, SIZE, SIZE) in [-1, 1] of the individual of a seed."""
    generator = torch.Generator().manual_seed(seed)
    look: Look = sample_looks(1, generator)
    pictures = []
    for shot, view, place, expression in SCENES:
        scene: Scene = sample_scenes(
            1,
            generator,
            PEOPLE,
            action="stand",
            shot=shot,
            view=view,
            place=place,
            expression=expression,
        )
        pictures.append(film(look, scene, size=SIZE)[0, :, 0])
    return torch.stack(pictures)


def draw_sample(folder: Path = SAMPLE, seed: int = SEED) -> None:
    """Write the photos as PNG files.

    Args:
        folder: where to.
        seed: of the individual.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for index, picture in enumerate(sample_photos(seed), start=1):
        pixels = ((picture + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(folder / f"photo-{index}.png", optimize=True)


if __name__ == "__main__":
    auto_cli(draw_sample, as_positional=False)
