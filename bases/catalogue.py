"""The bases that are known by name, and how each likes to be used."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bases import pocket
from bases.errors import BrokenBase, UnknownBase
from bases.fingerprint import fingerprint
from bases.folder import REFERENCES, SECOND, TRANSFORMER, part_in, useless_for
from bases.licence import MINIMAX_H3, Question, question_of


@dataclass(frozen=True)
class Base:
    """One base model and its native clip.

    Attributes:
        name: what `--base` takes.
        source: a folder in diffusers' layout, or a name on the Hugging Face hub.
        size: how many parameters.
        licence: of the weights.
        terms: what the licence asks beyond naming it, in a few words.
        needs: what it runs on.
        height: pixels.
        width: pixels.
        frames: frames a clip.
        fps: frames a second.
        steps: denoising steps.
        guidance: scale of classifier-free guidance.
        origin: the name on the hub that `source` is a copy of.
        revision: which of that name's revisions, as the hub calls it.
        question: what its licence asks before it may be used.
        part: the transformer that is trained, where there is one for each task.
    """

    name: str
    source: str
    size: str = ""
    licence: str = ""
    terms: str = ""
    needs: str = ""
    height: int = 480
    width: int = 832
    frames: int = 81
    fps: int = 16
    steps: int = 50
    guidance: float = 5.0
    origin: str | None = None
    revision: str | None = None
    question: Question | None = None
    part: str = TRANSFORMER

    @property
    def fingerprint(self) -> str:
        """Tells the weights that an adapter changes from others; see `bases.fingerprint`."""
        second = (SECOND,) if (Path(self.source) / SECOND).is_dir() else ()
        return fingerprint(self.source, self.part, *second)

    @property
    def fingerprint_of_latents(self) -> str:
        """Tells what encodes pictures from others."""
        return fingerprint(self.source, "vae")

    @property
    def fingerprint_of_all(self) -> str:
        """Tells everything that draws, at this base's own steps and guidance, from others."""
        weights = Path(self.source).glob("*/*.safetensors")
        parts = sorted({path.parent.name for path in weights} - {*useless_for(self.part)})
        return f"{fingerprint(self.source, *parts)}-{self.steps}-{self.guidance:g}"

    @property
    def native_clip(self) -> dict[str, int]:
        """Size, length and steps of its native clip, as diffusers' pipelines call them."""
        return {
            "height": self.height,
            "width": self.width,
            "num_frames": self.frames,
            "num_inference_steps": self.steps,
        }

    @property
    def public_source(self) -> str:
        """Where the base can be found again; of one that is built in, its name alone."""
        if self.origin is not None:
            return self.origin
        return self.name if self in BASES and Path(self.source).is_dir() else self.source


_CLIP_FILE = "starring.json"
_WHOLE = ((int,), "a whole number from 1")
_IN_CLIP_FILE: dict[str, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("height", "width", "frames", "fps", "steps"), _WHOLE),
    "guidance": ((int, float), "a number from 0"),
    "part": ((str,), "a folder's name"),
}


def _in_folder(base: Base) -> Base:
    """A base in a folder, with what that says in `starring.json` of how it likes to be used."""
    folder = Path(base.source)
    clip = folder / _CLIP_FILE
    if not clip.is_file():
        return base
    try:
        return replace(base, **_checked(json.loads(clip.read_text())))
    except ValueError as error:
        raise BrokenBase(
            f"{str(clip)!r} cannot be understood ({error}): it may hold "
            f"{', '.join(_IN_CLIP_FILE)}. Mend it, or delete it."
        ) from error


def _checked(said: Any) -> dict[str, Any]:
    """What a `starring.json` says, if it says what it may.

    Raises:
        ValueError: if it says something else.
    """
    if not isinstance(said, dict):
        raise ValueError(f"it holds {said!r:.40}")
    for name, value in said.items():
        kinds, wanted = _IN_CLIP_FILE.get(name, ((), "not known"))
        least = 0 if name == "guidance" else 1
        fits = isinstance(value, kinds) and not isinstance(value, bool)
        if not fits or (not isinstance(value, str) and not least <= value < float("inf")):
            raise ValueError(f"{name} is {value!r:.40} and must be {wanted}")
    return said


def _gpu(photos: int, clips: int) -> str:
    """How many gigabytes are the least; `python -m benchmarks.memory_table` counts them."""
    return f"a GPU: {photos} GB at least, {clips} with clips; counted"


_MINIMAX_H3 = Base(
    "minimax-h3",
    "MiniMaxAI/MiniMax-H3",
    "33B",
    "MiniMax licence",
    "not in the EU, UK, South Korea and USA; asks before use",
    needs=_gpu(7, 68),
    height=768,
    width=1344,
    frames=124,
    fps=24,
    guidance=1.0,
    question=MINIMAX_H3,
)
_LTX_2 = Base(
    "ltx-2",
    "Lightricks/LTX-2",
    "19B",
    "LTX-2 licence",
    "adapters count as derivatives",
    needs=_gpu(5, 6),
    height=512,
    width=768,
    frames=121,
    fps=24,
    steps=30,
    guidance=3.0,
)
_KANDINSKY_5 = Base(
    "kandinsky-5-lite",
    "kandinskylab/Kandinsky-5.0-T2V-Lite-sft-5s-Diffusers",
    "2B",
    "MIT",
    needs=_gpu(1, 13),
    height=512,
    width=768,
    frames=121,
    fps=24,
)
_COGVIDEOX = Base(
    "cogvideox-2b",
    "zai-org/CogVideoX-2b",
    "2B",
    "Apache-2.0",
    needs=_gpu(1, 6),
    width=720,
    frames=49,
    fps=8,
    guidance=6.0,
)
_COGVIDEOX_5B = replace(
    _COGVIDEOX, size="5B", licence="CogVideoX licence", terms="read its terms before use"
)
BASES = (
    _in_folder(Base("pocket", str(pocket.BASE), "21M in all", "Apache-2.0", needs="two CPU cores")),
    _in_folder(
        Base("pocket-64", str(pocket.SMALL), "13M in all", "Apache-2.0", needs="two CPU cores")
    ),
    Base("wan2.1-1.3b", "Wan-AI/Wan2.1-T2V-1.3B-Diffusers", "1.3B", "Apache-2.0", needs=_gpu(1, 8)),
    Base("wan2.1-14b", "Wan-AI/Wan2.1-T2V-14B-Diffusers", "14B", "Apache-2.0", needs=_gpu(5, 31)),
    Base(
        "wan2.2-5b",
        "Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        "5B",
        "Apache-2.0",
        needs=_gpu(2, 18),
        height=704,
        width=1280,
        frames=121,
        fps=24,
    ),
    Base(
        "wan2.2-a14b",
        "Wan-AI/Wan2.2-T2V-A14B-Diffusers",
        "2 × 14B",
        "Apache-2.0",
        needs=_gpu(5, 31),
        steps=40,
        guidance=4.0,
    ),
    _MINIMAX_H3,
    replace(
        _MINIMAX_H3,
        name="minimax-h3-ref",
        part=REFERENCES,
        needs="a GPU; memory not counted",
    ),
    _LTX_2,
    replace(_LTX_2, name="ltx-2.3", source="diffusers/LTX-2.3-Diffusers", size="22B"),
    replace(
        _LTX_2,
        name="ltx-2.5",
        source="Lightricks/LTX-2.5-Diffusers",
        size="22B",
        terms="adapters count as derivatives, to hand them on may cost",
    ),
    Base(
        "hunyuan-video-1.5",
        "hunyuanvideo-community/HunyuanVideo-1.5-480p_t2v",
        "8.3B",
        "Tencent licence",
        "read its terms before use",
        needs=_gpu(4, 29),
        width=848,
        frames=121,
        fps=24,
        guidance=6.0,
    ),
    Base(
        "hunyuan-video",
        "hunyuanvideo-community/HunyuanVideo",
        "13B",
        "Tencent licence",
        "read its terms before use",
        needs=_gpu(5, 41),
        height=544,
        width=960,
        frames=129,
        fps=24,
        guidance=6.0,
    ),
    _KANDINSKY_5,
    replace(
        _KANDINSKY_5,
        name="kandinsky-5-pro",
        source="kandinskylab/Kandinsky-5.0-T2V-Pro-sft-5s-Diffusers",
        size="19B",
        needs=_gpu(5, 43),
    ),
    _COGVIDEOX,
    replace(
        _COGVIDEOX_5B,
        name="cogvideox-5b",
        source="zai-org/CogVideoX-5b",
        needs=_gpu(3, 12),
    ),
    replace(
        _COGVIDEOX_5B,
        name="cogvideox-1.5-5b",
        source="zai-org/CogVideoX1.5-5B",
        needs=_gpu(4, 25),
        height=768,
        width=1360,
        frames=81,
        fps=16,
    ),
    Base(
        "mochi-1",
        "genmo/mochi-1-preview",
        "10B",
        "Apache-2.0",
        needs=_gpu(4, 17),
        width=848,
        frames=85,
        fps=30,
        steps=64,
        guidance=4.5,
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
        question, part = question_of(folder), part_in(folder)
        return _in_folder(Base(folder.name, str(folder), question=question, part=part))
    known = ", ".join(base.name for base in BASES)
    raise UnknownBase(
        f"No base is called {name!r}. Known are {known}; or give a folder in diffusers' layout."
    )
