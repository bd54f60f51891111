"""The bench's held-out individuals: photos to train on, and what the judge sees of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bases.pixels import as_pictures
from bases.pocket.draw_sample import NARROW, SCENES, sample_photos, write_photos
from bases.pocket.judge.look_alikes import visible_look_alikes
from bases.pocket.judge.network import Judge
from bases.pocket.shape import PocketShape
from bases.pocket.world import Look, film, sample_scenes
from bases.pocket.world.scenes import KINDS
from inference.bench.retrieval import Identities
from inference.bench.scores import Who
from studio.asking import Terms
from studio.onlookers import Onlookers
from studio.subjects import add_from_photos
from subjects import Subject, leave_one_out
from subjects.subject import folder_of

_NAME = "mira"
_SEED, _APART, _MATCHES = 90_000_000, 1_000_000, 5


@dataclass(frozen=True)
class Individual:
    """One held-out individual.

    Attributes:
        who: as the bench knows it.
        photos: those of the subject's that its adapter is trained on, (P, 3, S, S) in [-1, 1].
        subject: as a user would add it.
    """

    who: Who
    photos: Tensor
    subject: Subject


def individual_seed(kind: str, index: int) -> int:
    """The seed of a kind's individual, which no training has drawn."""
    return _SEED + KINDS.index(kind) * _APART + index


def add_individual(
    kind: str,
    index: int,
    *,
    photos: int,
    narrow: bool = False,
    gallery: int,
    judge: Judge,
    shape: PocketShape,
    home: Path,
) -> Individual:
    """Draw an individual's photos and add it as a subject.

    Args:
        kind: "person", "pet" or "object".
        index: which of that kind.
        photos: how many; those that the audit drops are not learnt.
        narrow: whether the photos are all alike.
        gallery: how many look-alikes to draw, each of whom a picture can tell from it.
        judge: looks at the photos.
        shape: of the base's clips and its world.
        home: where the subject goes.
    """
    scenes = NARROW if narrow else SCENES
    seed = individual_seed(kind, index)
    look, pictures = sample_photos(seed, kind=kind, count=photos, scenes=scenes)
    folder = home / "photos"
    if folder_of(home, _NAME).is_dir():  # of a bench that was stopped
        subject = Subject.load(home, _NAME)
    else:
        write_photos(pictures, folder)
        subject = add_from_photos(
            _NAME,
            [folder],
            kind=kind,
            terms=Terms("a drawing", "synthetic") if kind == "person" else Terms(),
            home=home,
            onlookers=Onlookers(nobody=kind != "person"),
            held_out=0,
        )
    generator = Generator().manual_seed(seed + _APART // 2)
    own = look[[0] * _MATCHES]
    others = visible_look_alikes(look, kind, gallery, generator)
    size = shape.size
    learnt = as_pictures(np.stack([np.asarray(photo.open()) for photo in subject.learnt]))
    seen = identities(judge, learnt, size)
    who = Who(
        kind=kind,
        look=look,
        photos_PD=seen,
        matches_MD=identities(judge, portraits(own, kind, shape, generator), size),
        others_OD=identities(judge, portraits(others, kind, shape, generator), size),
        ceiling=float(np.median(leave_one_out(seen))) if len(seen) > 1 else float("nan"),
    )
    return Individual(who, learnt, subject)


def portraits(look: Look, kind: str, shape: PocketShape, generator: Generator) -> Tensor:
    """A picture (N, 3, S, S) of each individual, near and from the front, in any place."""
    named = {"kind": kind, "shot": "close-up", "view": "front"}
    scenes = sample_scenes(len(look), generator, shape.world, **named)
    return film(look, scenes, size=shape.size)[:, :, 0]


@torch.no_grad()
def identities(judge: Judge, pictures: Tensor, size: int) -> Identities:
    """The judge's identities (N, D) of pictures (N, 3, H, W) in [-1, 1], brought to a size."""
    small = F.interpolate(pictures, (size, size), mode="area")
    seen = [judge(part[:, :, None]).identity[:, 0] for part in small.split(50)]
    return torch.cat(seen).numpy()
