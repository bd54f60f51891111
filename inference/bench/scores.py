"""The scores of one clip: what the judge sees in it, beside what was asked for and who it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bases.pixels import as_pictures
from bases.pocket.judge.network import Judge, Opinion
from bases.pocket.judge.reading import (
    expression_is_seen,
    face_is_seen,
    read_colours,
    read_forms,
    spots_at,
)
from bases.pocket.judge.watcher import CELLS, SPOTS
from bases.pocket.world import Look, Scene
from bases.pocket.world.camera import camera_at
from bases.pocket.world.scenes import CHOICES
from bases.video import Frames
from inference.bench.physics import gravity_of, restitution_of
from inference.bench.retrieval import Identities, retrieve
from inference.bench.turns import by_turn, head_yaws
from inference.likeness import motion
from subjects import Finder

JUDGED = ("action", "place", "light", "shot", "view", "move", "expression")
"""The choices of a prompt that a clip is judged by."""
_LEAST_SEEN = 0.01
"""Of a picture: a subject that covers less is not seen."""
_TRACKED = {"person": ("head", "shoulders", "hips"), "pet": ("head",)}
"""Spots that rise and fall with who jumps; of a pet the judge has learnt its head alone."""
_EDGE = 0.5
"""A spot so many cells from the picture's edge may lie beyond it, where it is not followed."""


@dataclass(frozen=True)
class Who:
    """An individual as the bench knows it.

    Attributes:
        kind: "person", "pet" or "object".
        look: its true traits, one row.
        photos_PD: identities of the photos that its adapter was trained on.
        matches_MD: identities of other true pictures of it.
        others_OD: identities of look-alikes.
        ceiling: median leave-one-out similarity of its photos.
    """

    kind: str
    look: Look
    photos_PD: Identities
    matches_MD: Identities
    others_OD: Identities
    ceiling: float


@torch.no_grad()
def opinion_of(judge: Judge, frames: Frames) -> Opinion:
    """The judge's opinion of one clip (F, H, W, 3): who by every frame, what by every second."""
    clip = as_pictures(frames).movedim(0, 1)[None]
    every, second = judge(clip), judge(clip[:, :, ::2])
    return Opinion(
        every.mask, every.spots, every.identity, every.traits, second.scene, second.intensity
    )


def score(
    judge: Judge,
    frames: Frames,
    who: Who,
    scene: Scene,
    *,
    fps: float,
    finder: Finder | None = None,
) -> dict[str, Any]:
    """Score one clip.

    Args:
        judge: the judge.
        frames: the clip.
        who: who should be seen.
        scene: what was asked for, one row.
        fps: frames a second.
        finder: finds faces, to tell how far a person's head is turned; None for other kinds.
    """
    seen = opinion_of(judge, frames)
    yaws = np.full(len(frames), np.nan) if finder is None else head_yaws(frames, finder)
    return {
        **_likeness(seen, who, yaws),
        **_found_among_others(seen, who, scene),
        "detected": _detected(seen) if finder is None else float(np.isfinite(yaws).mean()),
        "prompt": prompt_followed(seen, scene),
        **_intensity(seen, scene),
        "traits": _traits(seen, who, scene),
        "motion": motion(frames),
        **_physics(seen, scene, fps),
    }


def _detected(seen: Opinion) -> float:
    """Share of frames in which the judge sees a subject at all."""
    return float(((seen.mask[0] > 0).float().mean((1, 2)) > _LEAST_SEEN).float().mean())


def _likeness(seen: Opinion, who: Who, yaws: NDArray[np.float64]) -> dict[str, Any]:
    identity_FD = seen.identity[0].numpy()
    mean = who.photos_PD.mean(0)
    similar = identity_FD @ (mean / np.linalg.norm(mean))
    return {
        "likeness": float(np.median(similar)),
        "p10": float(np.quantile(similar, 0.1)),
        "worst": float(similar.min()),
        "turned": by_turn(similar, yaws),
    }


def _found_among_others(seen: Opinion, who: Who, scene: Scene) -> dict[str, float]:
    """How surely it is found among look-alikes, who are seen near and from the front.

    Nothing where no face can be seen: from behind some of them are the same.
    """
    if not bool(face_is_seen(scene)):
        return {}
    found = retrieve(seen.identity[0].numpy(), who.matches_MD, who.others_OD)
    return {"rank1": found.rank1, "mAP": found.mean_average_precision}


def prompt_followed(seen: Opinion, scene: Scene) -> dict[str, bool]:
    """By choice, whether the clip shows what was asked; an expression where a face can show it."""
    return {
        choice: CHOICES[choice][int(seen.scene[choice][0].argmax())] == scene.named(choice, 0)
        for choice in JUDGED
        if choice != "expression" or bool(expression_is_seen(scene))
    }


def _intensity(seen: Opinion, scene: Scene) -> dict[str, float]:
    """How far the strength of the expression is off, of 1; nothing where none can be seen."""
    if not bool(expression_is_seen(scene)):
        return {}
    return {"intensity": abs(float(seen.intensity[0].sigmoid()) - float(scene.intensity[0]))}


def _traits(seen: Opinion, who: Who, scene: Scene) -> dict[str, float]:
    """By trait, the share of frames in which it is right; none where no face can be seen."""
    if not bool(face_is_seen(scene)):
        return {}
    told, look, kind = seen.traits, who.look, who.kind
    right = read_forms(told, look, kind) | read_colours(told, look, kind)
    return {name: float(frames.float().mean()) for name, frames in right.items()}


def _physics(seen: Opinion, scene: Scene, fps: float) -> dict[str, float]:
    """Gravity of who jumps, restitution of what bounces; nothing where neither can be fitted."""
    action = scene.named("action", 0)
    if action not in ("jump", "bounce"):
        return {}
    down_FK = spots_at(seen.spots)[0, ..., 1].double()
    heights_FK = _heights(down_FK, scene, fps)
    if action == "jump":
        followed = [spot for spot in _followed_spots(scene) if _stays_inside(down_FK[:, spot])]
        found = {"gravity": gravity_of(heights_FK[:, followed].mean(1), fps)} if followed else {}
    else:
        middle = heights_FK[:, 0]
        found = {"restitution": restitution_of(middle, float(middle.min()))}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _followed_spots(scene: Scene) -> list[int]:
    return [SPOTS.index(name) for name in _TRACKED[scene.named("kind", 0)]]


def _stays_inside(down_F: Tensor) -> bool:
    """Whether a spot, in cells from the top, is well inside the picture in every frame."""
    return bool(((down_F > _EDGE) & (down_F < CELLS - 1 - _EDGE)).all())


def _heights(down_FK: Tensor, scene: Scene, fps: float) -> NDArray[np.float64]:
    """How high spots are in world units, given in cells from the top, by the asked-for camera."""
    frames = len(down_FK)
    camera = camera_at(scene[[0] * frames], torch.arange(frames) / fps)
    down = (down_FK + 0.5) * 2 / CELLS - 1
    return (camera.centre[:, 1:] - down * camera.half[:, None]).numpy()
