"""How well the judge does on true clips of individuals that it was not trained on."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from tqdm import tqdm

from bases.pocket.judge.examples import Examples, true_clips
from bases.pocket.judge.look_alikes import visible_look_alikes
from bases.pocket.judge.network import Judge, Opinion
from bases.pocket.judge.reading import (
    expression_is_seen,
    face_is_seen,
    read_colours,
    read_forms,
    spots_at,
)
from bases.pocket.judge.watcher import CELLS
from bases.pocket.shape import PocketShape
from bases.pocket.world.looks import sample_looks
from bases.pocket.world.scenes import CHOICES

HELD_OUT_SEED = 60_000_000
_BATCH = 20
_GLANCE = 5
"""Frames in which an individual is looked for among others."""


@torch.no_grad()
def report(judge: Judge, shape: PocketShape, clips: int = 400) -> str:
    """Accuracy on held-out clips of each kind that the shape's world has.

    Args:
        judge: the judge.
        shape: of the clips, and the world that they are drawn from.
        clips: of each kind.
    """
    lines = []
    for number, kind in enumerate(dict.fromkeys(shape.world.kind)):
        generator = Generator().manual_seed(HELD_OUT_SEED + number)
        hits = defaultdict[str, list[Tensor]](list)
        for _ in tqdm(range(clips // _BATCH), desc=f"judge, {kind}", unit="batch"):
            looks = sample_looks(_BATCH, generator)
            shown = true_clips(looks, shape, generator, kind=kind, device=judge.device)
            for name, values in score(judge(shown.clips), shown, kind).items():
                hits[name].append(values)
        lines += [f"{kind}, {clips} clips"]
        lines += [f"  {name}: {_mean(torch.cat(values), name)}" for name, values in hits.items()]
        lines += [f"  {_retrieval(judge, shape, generator, kind, clips // 10)}"]
    return "\n".join(lines)


def _mean(values: Tensor, name: str) -> str:
    mean = values.float().nanmean().item()
    return f"{mean:.2f} pixels" if name.startswith("spot") else f"{mean:.1%}"


def score(seen: Opinion, shown: Examples, kind: str) -> dict[str, Tensor]:
    """By what is asked, whether each answer is right (any shape), or how far off a spot is.

    Expressions and traits count where a face is seen; a choice that the world leaves no choice
    in is left out.
    """
    scene, size = shown.scene, shown.clips.shape[-1]
    hits = {}
    for choice in CHOICES:
        wanted = getattr(scene, choice)
        right = seen.scene[choice].argmax(-1) == wanted
        clear = expression_is_seen(scene) if choice == "expression" else torch.ones_like(right)
        if wanted.unique().numel() > 1 and clear.any():
            hits[choice] = right[clear]
    clear = face_is_seen(scene)
    for name, right in (
        read_forms(seen.traits, shown.look, kind) | read_colours(seen.traits, shown.look, kind)
    ).items():
        hits[name] = right[clear]
    cells, truth = spots_at(seen.spots), shown.truth.joints
    points = (cells[:, :, : truth.shape[2]] + 0.5) * (size / CELLS) - 0.5
    inside = ((truth > -0.5) & (truth < size - 0.5)).all(-1)
    hits["spots"] = (points - truth).norm(dim=-1)[inside]
    covered = F.adaptive_avg_pool2d(shown.truth.masks[:, 0], CELLS) > 0.5
    hits["mask, cells"] = (seen.mask > 0) == covered
    return hits


def _retrieval(
    judge: Judge, shape: PocketShape, generator: Generator, kind: str, individuals: int
) -> str:
    """Each individual is looked for among 40 look-alikes of its own."""
    found = []
    for _ in tqdm(range(individuals), desc=f"judge, {kind} among others", unit="search"):
        look = sample_looks(1, generator)
        others = visible_look_alikes(look, kind, 40, generator)
        everyone = look.and_rows(look).and_rows(others)
        near = partial(true_clips, frames=_GLANCE, kind=kind, shot="close-up", view="front")
        shown = near(everyone, shape, generator, device=judge.device)
        seen = judge(shown.clips).identity.mean(1)
        similar = seen[1:] @ seen[0]
        found.append(similar.argmax().item() == 0)
    return f"rank 1 among 40 look-alikes, close-up: {sum(found) / len(found):.1%} of {len(found)}"
