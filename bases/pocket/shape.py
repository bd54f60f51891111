"""Pocket's shape: how large its pictures and its networks are, read from `configs/pocket/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from bases.errors import BaseModelError
from bases.pocket.world import LANGUAGES, Repertoire


@dataclass(frozen=True)
class PocketShape:
    """How large Pocket is.

    Attributes:
        size: height and width of a clip in pixels, a multiple of 16.
        frames: frames a clip, one more than a multiple of 4.
        fps: frames a second.
        vae: arguments of diffusers' `AutoencoderKLWan`.
        transformer: arguments of diffusers' `WanTransformer3DModel`.
        text: arguments of transformers' `UMT5Config`.
        world: which scenes it learns; all that there are if not given.
        languages: in which it learns captions; all that there are if not given.

    Raises:
        BaseModelError: if a clip is of a size or a length that its latents cannot have, or a
            language is unknown.
    """

    size: int
    frames: int
    fps: int
    vae: dict[str, Any]
    transformer: dict[str, Any]
    text: dict[str, Any]
    world: Repertoire = field(default_factory=Repertoire)
    languages: tuple[str, ...] = LANGUAGES

    def __post_init__(self) -> None:
        if self.size < 16 or self.size % 16:
            raise BaseModelError(f"size={self.size}: give a multiple of 16.")
        if self.frames < 5 or self.frames % 4 != 1:
            raise BaseModelError(
                f"frames={self.frames}: give one more than a multiple of 4, such as 17."
            )
        for language in self.languages:
            if language not in LANGUAGES:
                raise BaseModelError(f"languages: {language!r} is none of {', '.join(LANGUAGES)}.")


def read_shape(path: Path) -> PocketShape:
    """The shape in a YAML, such as those in `configs/pocket/`.

    Raises:
        ArgumentError: if the file says something that a shape has not.
    """
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--shape", type=PocketShape)
    shape: PocketShape = parser.instantiate_classes(parser.parse_args([f"--shape={path}"])).shape
    return shape
