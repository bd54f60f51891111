"""Pocket's world: puppets that we draw ourselves, so that the truth of every clip is known."""

from bases.pocket.world.captions import LANGUAGES, caption
from bases.pocket.world.film import film, film_with_masks
from bases.pocket.world.looks import Look, sample_looks
from bases.pocket.world.scenes import Repertoire, Scene, sample_scenes

__all__ = [
    "LANGUAGES",
    "Look",
    "Repertoire",
    "Scene",
    "caption",
    "film",
    "film_with_masks",
    "sample_looks",
    "sample_scenes",
]
