"""The bases that are known by name, and how each likes to be used."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from bases import pocket
from bases.errors import BrokenBase, UnknownBase


@dataclass(frozen=True)
class Base:
    """One base model and its native clip.

    Attributes:
        name: what `--base` takes.
        source: a folder in diffusers' layout, or a name on the Hugging Face hub.
        summary: parameters and licence, in a few words.
        height: pixels.
        width: pixels.
        frames: frames a clip.
        fps: frames a second.
        steps: denoising steps.
        guidance: scale of classifier-free guidance.
    """

    name: str
    source: str
    summary: str
    height: int = 480
    width: int = 832
    frames: int = 81
    fps: int = 16
    steps: int = 50
    guidance: float = 5.0

    @property
    def public_source(self) -> str:
        """Where the base can be found again; of one that is built in, its name alone."""
        return self.name if self in BASES and Path(self.source).is_dir() else self.source

    @property
    def is_here(self) -> bool:
        """Whether the weights are on this machine."""
        if Path(self.source).is_dir():
            return True
        from huggingface_hub import try_to_load_from_cache

        return isinstance(try_to_load_from_cache(self.source, "model_index.json"), str)


_CLIP_FILE = "starring.json"


def _in_folder(name: str, folder: Path, summary: str) -> Base:
    """A base in a folder, which may say in `starring.json` how it likes to be used."""
    base = Base(name=name, source=str(folder), summary=summary)
    clip = folder / _CLIP_FILE
    if not clip.is_file():
        return base
    try:
        return replace(base, **json.loads(clip.read_text()))
    except (TypeError, ValueError) as error:
        raise BrokenBase(
            f"{str(clip)!r} cannot be understood ({error}): it may hold height, width, frames, "
            "fps, steps and guidance. Mend it, or delete it."
        ) from error


BASES = (
    _in_folder("pocket", pocket.BASE, "13M parameters in all, Apache-2.0, runs on two CPU cores"),
    Base(
        name="wan2.1-1.3b",
        source="Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
        summary="1.3B parameters, Apache-2.0, wants a GPU",
    ),
    Base(
        name="wan2.1-14b",
        source="Wan-AI/Wan2.1-T2V-14B-Diffusers",
        summary="14B parameters, Apache-2.0, wants a large GPU",
    ),
    Base(
        name="wan2.2-5b",
        source="Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        summary="5B parameters, Apache-2.0, wants a GPU",
        height=704,
        width=1280,
        frames=121,
        fps=24,
    ),
    Base(
        name="wan2.2-a14b",
        source="Wan-AI/Wan2.2-T2V-A14B-Diffusers",
        summary="two experts of 14B parameters, Apache-2.0, wants a large GPU",
        steps=40,
        guidance=4.0,
    ),
    Base(
        name="ltx-2",
        source="Lightricks/LTX-2",
        summary="19B parameters, its own licence, draws sound too, wants a large GPU",
        height=512,
        width=768,
        frames=121,
        fps=24,
        steps=30,
        guidance=3.0,
    ),
    Base(
        name="hunyuan-video-1.5",
        source="hunyuanvideo-community/HunyuanVideo-1.5-480p_t2v",
        summary="8.3B parameters, Tencent's own licence, wants a GPU",
        width=848,
        frames=121,
        fps=24,
        guidance=6.0,
    ),
    Base(
        name="hunyuan-video",
        source="hunyuanvideo-community/HunyuanVideo",
        summary="13B parameters, Tencent's own licence, wants a large GPU",
        height=544,
        width=960,
        frames=129,
        fps=24,
        guidance=6.0,
    ),
)


def find_base(name: str) -> Base:
    """The base of that name, or in that folder.

    Raises:
        UnknownBase: if it is neither.
        BrokenBase: if its `starring.json` cannot be understood.
    """
    for base in BASES:
        if base.name == name:
            return base
    if name and Path(name).is_dir():
        folder = Path(name).resolve()
        return _in_folder(folder.name, folder, "a folder in diffusers' layout")
    known = ", ".join(base.name for base in BASES)
    raise UnknownBase(
        f"No base is called {name!r}. Known are {known}; or give a folder in diffusers' layout."
    )
