"""Adapters trained on drawn photos, and how like the individual their clips are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import nan
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Generator

from bases.hub import open_base
from bases.pocket.shape import read_shape
from bases.pocket.world import caption, sample_scenes
from finetune.train import train
from inference.clip import Clip
from inference.likeness import clip_embeddings, likeness
from inference.render import Renderer
from studio.bench.run import shape_for
from studio.training import arguments
from subjects import POCKET, Consent, Finder, Limits, add_subject, leave_one_out

_SCENES, _SEED = 18, 5000


def adapter_likeness(
    photos: Sequence[Path],
    references: Iterable[NDArray[Any]],
    *,
    base: str,
    home: Path,
    finder: Finder,
    limits: Limits,
    number: int,
) -> float:
    """Train on photos and compare clips of random scenes with other pictures.

    Args:
        photos: none is held out.
        references: pictures of the individual, (H, W, 3) each; those without a face say nothing.
        base: name or folder of the base.
        home: keeps what is made.
        finder: finds faces in photos, references and clips.
        limits: what a photo must reach.
        number: of the individual or the set; each has scenes of its own, of all that the base's
            world has.

    Returns:
        The median likeness of the clips that show a face, as a share of the references' own
        ceiling; NaN if none does.
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
    world = read_shape(shape_for(base)).world
    asked = sample_scenes(_SCENES, Generator().manual_seed(_SEED + number), world, kind="person")
    renderer = Renderer(open_base(base))
    with renderer.adapter(adapter):
        clips = [
            renderer.render(caption(asked, row, subject=subject.called), Clip(seed=row))
            for row in range(_SCENES)
        ]
    seen = [likeness(clip_embeddings(clip, finder), own_ND) for clip in clips]
    best = float(np.median(leave_one_out(own_ND)))
    return median([one.median for one in seen if one.detected] or [nan]) / best
