"""Rendering: a base, perhaps with an adapter, draws what a prompt says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from PIL.Image import Image

from bases.catalogue import Base
from bases.families import family_of
from bases.family import Family
from bases.memory import fitting
from bases.video import Frames
from finetune.adapter import Adapter, load_lora
from inference.errors import RenderError

_SLOT = "subject"
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


class Renderer:
    """A base in memory, ready to render.

    Args:
        base: which.
        device: where to; the GPU if there is one, if not given.
        progress: whether to show a progress bar.
    """

    def __init__(
        self, base: Base, *, device: torch.device | None = None, progress: bool = True
    ) -> None:
        self.base = base
        self.family: Family = family_of(base)
        self.device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        with fitting(base, "Choose a smaller base: 'starring bases' lists them."):
            self.pipe = self.family.pipeline(dtype=dtype, device=self.device)
        self.pipe.set_progress_bar_config(desc="rendering", disable=not progress)

    @contextmanager
    def adapter(self, adapter: Adapter, scale: float = 1.0) -> Iterator[None]:
        """Put an adapter in for a while; afterwards the base is as it was.

        Args:
            adapter: trained on this base.
            scale: how strongly it counts; 0 is the base alone.

        Raises:
            WrongBase: if it was trained on another base.
            BrokenAdapter: if it cannot be read, or does not fit the base.
            RenderError: if the scale is no number.
        """
        adapter.check(self.base.fingerprint, self.base.name)
        if not math.isfinite(scale):
            raise RenderError(f"scale {scale!r} does not fit: give a number, such as 1.")
        try:
            self._load(adapter, scale)
            yield
        finally:
            for expert in self.family.experts:
                getattr(self.pipe, expert.part).unload_lora()

    def _load(self, adapter: Adapter, scale: float) -> None:
        for part, path in adapter.files.items():
            transformer = getattr(self.pipe, part)
            load_lora(transformer, path, _SLOT, self.family.prefix, self.pipe)
            transformer.set_adapters(_SLOT, scale)

    def settings(self, prompt: str, clip: Clip) -> dict[str, Any]:
        """Everything that a clip depends on beside the adapter.

        Raises:
            RenderError: if the prompt is empty or the size is not one that the base can draw.
        """
        if not prompt.strip():
            raise RenderError("The prompt is empty: say what should be seen, such as 'waving'.")
        base, grid = self.base, self.family.grid
        height, width = _given(clip.height, base.height), _given(clip.width, base.width)
        for name, pixels in (("height", height), ("width", width)):
            if pixels < grid.multiple or pixels % grid.multiple:
                raise RenderError(
                    f"{name} {pixels!r} does not fit: this base takes multiples of {grid.multiple}."
                )
        frames, steps = _given(clip.frames, base.frames), _given(clip.steps, base.steps)
        for name, count in (("frames", frames), ("steps", steps)):
            if count < 1:
                raise RenderError(f"{name} {count!r} does not fit: at least 1 is needed.")
        if frames < grid.shortest or 0 < grid.longest < frames:
            raise RenderError(
                f"frames {frames!r} does not fit: this base draws from {grid.shortest}"
                + (f" to {grid.longest}." if grid.longest else " on.")
            )
        guidance = _given(clip.guidance, base.guidance if self.family.takes_guidance else 1.0)
        if not self.family.takes_guidance and guidance != 1:
            raise RenderError(
                f"guidance {guidance!r} does not fit: this base was distilled to do without, so "
                "give 1 or leave it out."
            )
        if not 0 <= guidance < math.inf:
            raise RenderError(
                f"guidance {guidance!r} does not fit: give a number from 0, such as "
                f"{base.guidance}."
            )
        self._check_negative(clip.negative, guidance)
        if not 0 <= clip.seed < 2**63:
            raise RenderError(f"seed {clip.seed!r} does not fit: give a number from 0 to 2^63 - 1.")
        return {
            "prompt": prompt,
            "height": height,
            "width": width,
            "num_frames": grid.frames(frames),
            "num_inference_steps": steps,
            "guidance_scale": guidance,
            "seed": clip.seed,
            **({"negative_prompt": clip.negative} if clip.negative else {}),
        }

    def _check_negative(self, negative: str, guidance: float) -> None:
        if negative and not self.family.takes_negative:
            raise RenderError(
                f"negative {negative!r} does not fit: the guidance of this base leads away from "
                "nothing that could be said, so leave it out."
            )
        if negative and guidance <= 1:
            raise RenderError(
                f"negative {negative!r} does not fit guidance {guidance!r}, which leads away from "
                "nothing: give more than 1."
            )

    @torch.no_grad()
    def render(
        self, prompt: str, clip: Clip | None = None, pictures: Sequence[Image] = ()
    ) -> Frames:
        """Render one clip.

        Args:
            prompt: what should be seen.
            clip: its size, length and seed.
            pictures: of the subject, which come with the prompt where the base takes some.

        Returns:
            frames (F, H, W, 3) in [0, 255].

        Raises:
            RenderError: if the prompt, the clip or the pictures do not fit.
            TooLarge: if the memory runs out.
        """
        settings = self.settings(prompt, clip or Clip())
        check_pictures(self.base, len(pictures))
        seed, guidance = settings.pop("seed"), settings.pop("guidance_scale")
        with fitting(self.base, "Give fewer --frames, or choose a smaller base."):
            video = self.family.draw(
                self.pipe,
                guidance=guidance,
                **settings,
                generator=torch.Generator("cpu").manual_seed(seed),
                output_type="np",
                **({"pictures": pictures} if pictures else {}),
            )[0]
        return np.round(video * 255).astype(np.uint8)


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


def _given(chosen: Number | None, otherwise: Number) -> Number:
    return otherwise if chosen is None else chosen
