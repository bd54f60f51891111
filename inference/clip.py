"""What a base is asked to draw, checked before anything of it is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

from bases.catalogue import Base
from bases.families import family_of
from bases.family import Family, LatentGrid
from inference.errors import RenderError

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Clip:
    """What to render; whatever is None is the base's own.

    Attributes:
        height: pixels.
        width: pixels.
        frames: frames.
        steps: denoising steps.
        guidance: scale of classifier-free guidance; 1 for none.
        seed: of the noise.
        negative: what guidance is to lead away from; nothing in particular if empty.
    """

    height: int | None = None
    width: int | None = None
    frames: int | None = None
    steps: int | None = None
    guidance: float | None = None
    seed: int = 0
    negative: str = ""


def settings_of(base: Base, prompt: str, clip: Clip) -> dict[str, Any]:
    """Everything that a clip depends on beside the adapter.

    Args:
        base: that is to draw it.
        prompt: what should be seen.
        clip: its size, length, guidance and seed.

    Raises:
        RenderError: if the prompt is empty or the base cannot draw such a clip.
    """
    if not prompt.strip():
        raise RenderError("The prompt is empty: say what should be seen, such as 'waving'.")
    if not 0 <= clip.seed < 2**63:
        raise RenderError(f"seed {clip.seed!r} does not fit: give a number from 0 to 2^63 - 1.")
    family = family_of(base)
    return {
        "prompt": prompt,
        **_size(base, family.grid, clip),
        **_length(base, family.grid, clip),
        "guidance_scale": _guidance(base, family, clip),
        "seed": clip.seed,
        **({"negative_prompt": clip.negative} if clip.negative else {}),
    }


def check_pictures(base: Base, count: int) -> None:
    """Make sure that as many pictures can come with a prompt.

    Raises:
        RenderError: if not.
    """
    most = family_of(base).pictures
    if count and not most:
        raise RenderError(
            f"The base {base.name!r} takes words alone: leave the pictures out, or render an "
            "adapter of a base that takes some, such as 'minimax-h3-ref'."
        )
    if most and not 1 <= count <= most:
        raise RenderError(
            f"The base {base.name!r} draws whom it is shown, in 1 to {most} pictures, and there "
            f"are {count}: name photos of the subject with --picture."
        )


def _size(base: Base, grid: LatentGrid, clip: Clip) -> dict[str, int]:
    size = {
        "height": _given(clip.height, base.height),
        "width": _given(clip.width, base.width),
    }
    for name, pixels in size.items():
        if pixels < grid.multiple or pixels % grid.multiple:
            raise RenderError(
                f"{name} {pixels!r} does not fit: this base takes multiples of {grid.multiple}."
            )
    return size


def _length(base: Base, grid: LatentGrid, clip: Clip) -> dict[str, int]:
    frames, steps = _given(clip.frames, base.frames), _given(clip.steps, base.steps)
    for name, count in (("frames", frames), ("steps", steps)):
        if count < 1:
            raise RenderError(f"{name} {count!r} does not fit: at least 1 is needed.")
    if frames < grid.shortest or 0 < grid.longest < frames:
        raise RenderError(
            f"frames {frames!r} does not fit: this base draws from {grid.shortest}"
            + (f" to {grid.longest}." if grid.longest else " on.")
        )
    return {"num_frames": grid.frames(frames), "num_inference_steps": steps}


def _guidance(base: Base, family: Family, clip: Clip) -> float:
    guidance = _given(clip.guidance, base.guidance if family.takes_guidance else 1.0)
    if not family.takes_guidance and guidance != 1:
        raise RenderError(
            f"guidance {guidance!r} does not fit: this base was distilled to do without, so "
            "give 1 or leave it out."
        )
    if not 0 <= guidance < math.inf:
        raise RenderError(
            f"guidance {guidance!r} does not fit: give a number from 0, such as {base.guidance}."
        )
    if clip.negative and not family.takes_negative:
        raise RenderError(
            f"negative {clip.negative!r} does not fit: the guidance of this base leads away from "
            "nothing that could be said, so leave it out."
        )
    if clip.negative and guidance <= 1:
        raise RenderError(
            f"negative {clip.negative!r} does not fit guidance {guidance!r}, which leads away from "
            "nothing: give more than 1."
        )
    return guidance


def _given(chosen: Number | None, otherwise: Number) -> Number:
    return otherwise if chosen is None else chosen
