"""Others to be told from: individuals of Pocket's world, as the face package sees them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bases.pixels import as_frames
from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import film, sample_looks, sample_scenes
from subjects import Finder

_SEED, _PICTURES, _SIZE = 77_000_000, 3, 128


def gallery(count: int, finder: Finder) -> NDArray[np.float32]:
    """Embeddings (count, 512) of individuals that no training has drawn, three pictures each."""
    generator = torch.Generator().manual_seed(_SEED)
    looks = sample_looks(count, generator)
    seen = []
    for index in range(count):
        scenes = sample_scenes(_PICTURES, generator, PEOPLE, shot="close-up", view="front")
        pictures = film(looks[[index] * _PICTURES], scenes, size=_SIZE)[:, :, 0]
        faces = [finder.find(picture) for picture in as_frames(pictures)]
        found = [face[0].embedding for face in faces if face]
        if found:
            mean = np.mean(found, axis=0)
            seen.append(mean / np.linalg.norm(mean))
    return np.stack(seen)
