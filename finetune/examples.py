"""Examples: what a training step sees, encoded once so that the encoders can leave memory."""

from __future__ import annotations

import gc
import hashlib
import itertools
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor

from bases.family import Family
from finetune.buckets import Buckets, fit
from finetune.lights import relit
from finetune.tensors import write_tensors
from subjects import Photo, Subject
from subjects.masks import Box, body_mask, head_mask

_log = logging.getLogger(__name__)
Segment = Callable[[Image.Image, Box | None], Image.Image | None]
"""Outlines the subject in a picture, given its face's box; None where it finds none."""
_PARTS = ("face", "subject", "shown")


class Prompt(NamedTuple):
    """What a base is told.

    Attributes:
        text: the words.
        photos: which of the subject's photos come with it, where a base takes pictures.
    """

    text: str
    photos: tuple[int, ...] = ()


@dataclass(frozen=True)
class Example:
    """One photo or clip.

    Attributes:
        latents: normalised, (C, F, H, W).
        caption: what it shows.
        face: the share of each latent cell that the subject's head covers, (1, 1, H, W) in [0, 1];
            None where none is known.
        subject: the same of the whole subject.
        shown: the photo's latents as a picture that a prompt comes with, (C, 1, H, W); None where
            prompts are words alone.
        photos: which of the subject's photos its own prompt comes with.
    """

    latents: Tensor
    caption: str
    face: Tensor | None = None
    subject: Tensor | None = None
    shown: Tensor | None = None
    photos: tuple[int, ...] = ()


def photo_examples(
    subject: Subject,
    family: Family,
    buckets: Buckets,
    *,
    frames: int = 1,
    flip: bool,
    lights: Sequence[str] = (),
    segment: Segment | None = None,
    dtype: torch.dtype,
    device: torch.device,
) -> list[Example]:
    """Encode a subject's photos; the VAE is gone from memory afterwards.

    Args:
        subject: whose photos.
        family: the base.
        buckets: the sizes to bring them to.
        frames: equal frames of each photo.
        flip: whether each photo is also seen in a mirror, in every light.
        lights: of `finetune.lights` in which each is seen too, whose views come after its own.
        segment: outlines the subject; its face's box tells where it is if None.
        dtype: of the VAE.
        device: of the VAE.
    """
    vae = family.load("vae", dtype=dtype, device=device)
    examples = []
    for photo in subject.learnt:
        picture, box = photo.open(), photo.measures.box
        size = buckets.nearest(*picture.size)
        outline = segment(picture, box) if segment else None
        masks = head_mask(picture.size, box), outline or body_mask(picture.size, box)
        video = _pixels(fit(picture, *size, keep=box)) * 2 - 1
        video = video.repeat(1, 1, frames, 1, 1)
        where = torch.cat([_pixels(fit(mask, *size, keep=box)) for mask in masks], dim=1)
        shown = None
        if family.pictures and frames == 1:
            shown = family.encode_picture(vae, picture)[0].float().cpu()
        for light, mirrored in itertools.product((None, *lights), (False, True)[: 1 + flip]):
            view = relit(video, light) if light else video
            view, seen = (view.flip(-1), where.flip(-1)) if mirrored else (view, where)
            latents = family.encode_video(vae, view)[0].float().cpu()
            face, whole = F.adaptive_avg_pool3d(seen, (1, *latents.shape[2:]))[0].split(1)
            examples.append(Example(latents, photo.caption, face, whole, shown))
            shown = None
    del vae
    free_memory()
    return examples


def _pixels(picture: Image.Image) -> Tensor:
    """A picture as (1, channels, 1, height, width) in [0, 1]."""
    pixels = torch.from_numpy(np.atleast_3d(np.array(picture))).permute(2, 0, 1)
    return pixels[None, :, None] / 255


def embed(
    prompts: Iterable[Prompt],
    family: Family,
    photos: Sequence[Photo],
    *,
    dtype: torch.dtype,
    device: torch.device,
) -> dict[Prompt, dict[str, Tensor]]:
    """Encode each prompt once; the text encoder is gone from memory afterwards.

    Args:
        prompts: what to encode.
        family: the base.
        photos: of the subject, of which some may come with a prompt.
        dtype: of the text encoder.
        device: of the text encoder; where that does not fit, the CPU does it.

    Returns:
        for every prompt the transformer's conditions, each without its batch axis.
    """
    wanted = list(dict.fromkeys(prompts))
    try:
        return _embedded(wanted, family, photos, dtype, device)
    except torch.OutOfMemoryError:
        if device.type == "cpu":
            raise
    _log.warning("The text encoder does not fit the GPU: the CPU encodes, which takes longer.")
    free_memory()
    return _embedded(wanted, family, photos, dtype, torch.device("cpu"))


def _embedded(
    prompts: list[Prompt],
    family: Family,
    photos: Sequence[Photo],
    dtype: torch.dtype,
    device: torch.device,
) -> dict[Prompt, dict[str, Tensor]]:
    text = family.load("text", dtype=dtype, device=device)
    embedded = {}
    for prompt in prompts:
        if prompt.photos:
            pictures = [photos[number].open() for number in prompt.photos]
            conditions = family.encode_shown(text, prompt.text, pictures)
        else:
            conditions = family.encode_prompt(text, prompt.text)
        embedded[prompt] = {name: rows[0].cpu() for name, rows in conditions.items()}
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
    for part in _PARTS:
        shares = ((f"{i:05d}.{part}", getattr(e, part)) for i, e in enumerate(examples))
        tensors |= {name: share.contiguous() for name, share in shares if share is not None}
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
        known = file.offset_keys()
        return [
            Example(
                file.get_tensor(name).float(),
                caption,
                **{
                    part: file.get_tensor(f"{name}.{part}")
                    for part in _PARTS
                    if f"{name}.{part}" in known
                },
            )
            for name, caption in ((f"{i:05d}", caption) for i, caption in enumerate(captions))
        ]


def photos_digest(subject: Subject) -> str:
    """Twelve hex digits that change with any learnt photo, its caption or its face's box."""
    digest = hashlib.sha256()
    for photo in subject.learnt:
        digest.update(photo.path.read_bytes())
        digest.update(photo.caption.encode())
        digest.update(str(photo.measures.box).encode())
    return digest.hexdigest()[:12]
