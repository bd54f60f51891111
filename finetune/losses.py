"""What counts as wrong where latents alone do not say what is to be learnt."""

from __future__ import annotations

import torch
from torch import Tensor

_STILL = 1e-6
"""Added to squared changes: what stands still has a gradient too."""


def motion_error(clips: Tensor, wanted: Tensor) -> Tensor:
    """How else the subject moves than the base lets somebody move in the same noise.

    What counts is how much each place changes over the frames, and not from what to what. A body
    takes its own looks along when it jumps, so that a loss on the changes themselves, as in the
    appearance-debiased loss of Zhao et al., "MotionDirector" (2023), asks for somebody else's.
    Nor does the first frame count, where there are others to compare: its latents stand for one
    frame of the clip and theirs for several, and who is seen looks otherwise in them.

    Args:
        clips: as they are predicted to be without the noise, (B, C, F, H, W).
        wanted: the same as the base predicts it.
    """
    return (_changes(clips) - _changes(wanted)).square().mean()


def _changes(clips: Tensor) -> Tensor:
    """How far each place of each frame is from its mean over the frames, (B, F, H, W)."""
    frames = clips[:, :, 1:] if clips.shape[2] > 2 else clips
    return ((frames - frames.mean(2, keepdim=True)).square().mean(1) + _STILL).sqrt()


def standing_error(error: Tensor) -> Tensor:
    """What is wrong with who is seen in a photo that was held still, (B, C, F, H, W).

    A held photo says nothing of how anybody moves, so in the frames after the first the mean of
    their errors alone counts, and in what else they differ is left to the base. It counts as loud
    as the frames would by themselves if their errors had nothing to do with each other.
    """
    first, rest = error.split([1, error.shape[2] - 1], 2)
    shared = rest.mean(2, keepdim=True) * rest.shape[2] ** 0.5
    return torch.cat((first, shared.expand_as(rest)), 2).square()
