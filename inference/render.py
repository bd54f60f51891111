"""Rendering: a base, perhaps with an adapter, draws what a prompt says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from PIL.Image import Image

from bases.catalogue import Base
from bases.families import family_of
from bases.family import Family
from bases.memory import fitting
from bases.video import Frames
from finetune.adapter import Adapter, load_lora
from inference.clip import Clip, check_pictures, settings_of
from inference.errors import RenderError

_SLOT = "subject"


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
        settings = settings_of(self.base, prompt, clip or Clip())
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
