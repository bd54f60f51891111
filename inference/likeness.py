"""Likeness and motion of a clip, measured.

Likeness as in OpenS2V-Eval (2025), against the subject's own ceiling: the cosine between each
frame's face and the mean of the photos' faces, beside what the photos reach among themselves.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bases.video import Frames
from subjects import Finder, leave_one_out, similarity_to

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Likeness:
    """How like its subject a clip is.

    Attributes:
        median: median cosine over the frames that show a face, 0 if none does.
        p10: the tenth percentile.
        worst: the lowest.
        worst_frame: the frame that has it, None if no frame shows a face.
        detected: share of the frames that show a face.
    """

    median: float
    p10: float
    worst: float
    worst_frame: int | None
    detected: float


def clip_embeddings(frames: Frames, finder: Finder) -> list[Vectors | None]:
    """The largest face of each frame, None where there is none."""
    found = (finder.find(frame) for frame in frames)
    return [faces[0].embedding if faces else None for faces in found]


def ceiling(photos_ND: Vectors, held_out_MD: Vectors | None = None) -> float | None:
    """What a clip can reach: median leave-one-out likeness among the photos.

    Args:
        photos_ND: the photos that were learnt.
        held_out_MD: photos that were not, if clips are measured against these; then it is the
            median likeness of the photos to them.

    Returns:
        None where there is nothing to compare.
    """
    if held_out_MD is not None and len(held_out_MD):
        return float(np.median(similarity_to(photos_ND, held_out_MD))) if len(photos_ND) else None
    return float(np.median(leave_one_out(photos_ND))) if len(photos_ND) > 1 else None


def likeness(faces: list[Vectors | None], photos_ND: Vectors) -> Likeness:
    """Measure a clip.

    Args:
        faces: one embedding a frame, or None; see `clip_embeddings`.
        photos_ND: the subject's embeddings.
    """
    shown = [index for index, face in enumerate(faces) if face is not None]
    detected = len(shown) / len(faces) if faces else 0.0
    if not shown or not len(photos_ND):
        return Likeness(median=0.0, p10=0.0, worst=0.0, worst_frame=None, detected=detected)
    scores = similarity_to(_stack(faces), photos_ND)
    return Likeness(
        median=float(np.median(scores)),
        p10=float(np.quantile(scores, 0.1)),
        worst=float(scores.min()),
        worst_frame=shown[int(scores.argmin())],
        detected=detected,
    )


def is_nearest(faces: list[Vectors | None], photos_ND: Vectors, gallery_GD: Vectors) -> bool:
    """Whether a clip is nearer to its own subject than to anyone in a gallery of others.

    Args:
        faces: one embedding a frame, or None.
        photos_ND: the subject's embeddings.
        gallery_GD: one embedding each of G other individuals.
    """
    clip = _stack(faces)
    if not len(clip) or not len(photos_ND):
        return False
    own = similarity_to(_unit(photos_ND.mean(0))[None], clip)
    return bool(own[0] > similarity_to(gallery_GD, clip).max())


def motion(frames: Frames) -> float:
    """Mean length of the optical flow from frame to frame, in shares of the height a frame.

    Dense flow by Farnebäck (2003). Lengths are averaged, not vectors, so that movements to and
    fro do not cancel.
    """
    import cv2

    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    lengths = []
    for before, after in itertools.pairwise(grey):
        flow_HW2 = np.zeros((*before.shape, 2), np.float32)
        flow_HW2 = cv2.calcOpticalFlowFarneback(before, after, flow_HW2, 0.5, 3, 9, 3, 5, 1.1, 0)
        lengths.append(np.linalg.norm(flow_HW2, axis=-1).mean())
    return float(np.mean(lengths) / frames.shape[1]) if lengths else 0.0


def _stack(faces: list[Vectors | None]) -> Vectors:
    shown = [face for face in faces if face is not None]
    return np.stack(shown) if shown else np.zeros((0, 512), np.float32)


def _unit(vector: Vectors) -> Vectors:
    return vector / np.linalg.norm(vector)
