"""Adapters trained on drawn photos, and how like the individual their clips are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bases.hub import open_base
from finetune.train import train
from inference.likeness import clip_embeddings, likeness
from inference.render import Clip, Renderer
from studio.training import arguments
from subjects import POCKET, Consent, Finder, Limits, add_subject, leave_one_out

PROMPTS = (
    "waving at the beach, close-up",
    "walking in the forest, close-up",
    "clapping in a room, close-up",
)


def adapter_likeness(
    photos: Sequence[Path],
    references: Iterable[NDArray[Any]],
    *,
    base: str,
    home: Path,
    finder: Finder,
    limits: Limits,
) -> float:
    """Train on photos and compare clips of `PROMPTS` with other pictures.

    Args:
        photos: none is held out.
        references: pictures of the individual, (H, W, 3) each; those without a face say nothing.
        base: name or folder of the base.
        home: keeps what is made.
        finder: finds faces in photos, references and clips.
        limits: what a photo must reach.

    Returns:
        Their median likeness, as a share of the references' own ceiling.
    """
    subject = add_subject(
        "mira",
        photos,
        home=home,
        consent=Consent.today("a drawing", "synthetic"),
        faces=finder,
        limits=limits,
        face_package=POCKET,
        held_out=0,
    )
    adapter = train(arguments("mira", base=base, config=None, extra=[], home=home))
    found = (finder.find(picture) for picture in references)
    own_ND = np.stack([faces[0].embedding for faces in found if faces])
    renderer = Renderer(open_base(base))
    with renderer.adapter(adapter):
        clips = [
            renderer.render(f"{subject.called}, {prompt}", Clip(seed=seed))
            for seed, prompt in enumerate(PROMPTS)
        ]
    best = float(np.median(leave_one_out(own_ND)))
    return median(likeness(clip_embeddings(clip, finder), own_ND).median for clip in clips) / best
