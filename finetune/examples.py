"""Examples: what a training step sees, encoded once so that the encoders can leave memory."""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from bases.family import Family
from finetune.buckets import Buckets, fit
from finetune.tensors import write_tensors
from subjects import Subject

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Example:
    """One photo or clip: normalised latents (C, F, H, W) and its caption."""

    latents: Tensor
    caption: str


def photo_examples(
    subject: Subject,
    family: Family,
    buckets: Buckets,
    *,
    frames: int = 1,
    flip: bool,
    dtype: torch.dtype,
    device: torch.device,
) -> list[Example]:
    """Encode a subject's photos; the VAE is gone from memory afterwards.

    Args:
        subject: whose photos.
        family: the base.
        buckets: the sizes to bring them to.
        frames: equal frames of each photo.
        flip: whether each photo is also seen in a mirror.
        dtype: of the VAE.
        device: of the VAE.
    """
    vae = family.load("vae", dtype=dtype, device=device)
    examples = []
    for photo in subject.kept:
        picture = photo.open()
        picture = fit(picture, *buckets.nearest(*picture.size), keep=photo.measures.box)
        video = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None, :, None] / 127.5 - 1
        video = video.repeat(1, 1, frames, 1, 1)
        views = [video, video.flip(-1)] if flip else [video]
        examples += [
            Example(family.encode_video(vae, view)[0].float().cpu(), photo.caption)
            for view in views
        ]
    del vae
    free_memory()
    return examples


def embed(
    captions: Iterable[str],
    family: Family,
    *,
    dtype: torch.dtype,
    device: torch.device,
) -> dict[str, dict[str, Tensor]]:
    """Encode each caption once; the text encoder is gone from memory afterwards.

    Returns:
        for every caption the transformer's conditions, each without its batch axis.
    """
    text = family.load("text", dtype=dtype, device=device)
    embedded = {}
    for caption in dict.fromkeys(captions):
        conditions = family.encode_prompts(text, [caption])
        embedded[caption] = {name: rows[0].cpu() for name, rows in conditions.items()}
    del text
    free_memory()
    return embedded


def free_memory() -> None:
    """Give back what a deleted model held."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def save_examples(
    path: Path,
    examples: list[Example],
    settings: dict[str, object],
    dtype: torch.dtype = torch.float32,
) -> None:
    """Keep latents and captions in one safetensors file; replaced as a whole."""
    tensors = {f"{i:05d}": e.latents.to(dtype).contiguous() for i, e in enumerate(examples)}
    captions = json.dumps([e.caption for e in examples], ensure_ascii=False)
    metadata = {"captions": captions, "settings": json.dumps(settings, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, tensors, metadata)


def load_examples(path: Path, settings: dict[str, object] | None = None) -> list[Example] | None:
    """Read kept examples; None if there are none, or they are damaged or of other settings."""
    try:
        return _read_examples(path, settings)
    except (FileNotFoundError, SafetensorError):
        return None


def _read_examples(path: Path, settings: dict[str, object] | None) -> list[Example] | None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        if settings is not None and json.loads(metadata["settings"]) != settings:
            return None
        captions = json.loads(metadata["captions"])
        return [
            Example(file.get_tensor(f"{index:05d}").float(), caption)
            for index, caption in enumerate(captions)
        ]


def photos_digest(subject: Subject) -> str:
    """Twelve hex digits that change with any photo or caption."""
    digest = hashlib.sha256()
    for photo in subject.kept:
        digest.update(photo.path.read_bytes())
        digest.update(photo.caption.encode())
    return digest.hexdigest()[:12]
