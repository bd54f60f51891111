"""What counts as wrong where latents alone do not say what is to be learnt."""

from __future__ import annotations

import torch
from torch import Tensor


def motion_error(difference: Tensor) -> Tensor:
    """How else the subject moves than the base lets somebody move in the same noise.

    What all frames share, which is who is seen, is left out of the difference of the two predicted
    flows (B, C, F, H, W), as in the appearance-debiased loss of Zhao et al., "MotionDirector"
    (2023). So is the first frame, where there are others to compare: its latents stand for one
    frame of the clip and theirs for several, and who is seen looks otherwise in them.
    """
    frames = difference[:, :, 1:] if difference.shape[2] > 2 else difference
    return (frames - frames.mean(2, keepdim=True)).square().mean()


def standing_error(error: Tensor) -> Tensor:
    """What is wrong with who is seen in a photo that was held still, (B, C, F, H, W).

    A held photo says nothing of how anybody moves, so in the frames after the first the mean of
    their errors alone counts, and in what else they differ is left to the base. It counts as loud
    as the frames would by themselves if their errors had nothing to do with each other.
    """
    first, rest = error.split([1, error.shape[2] - 1], 2)
    shared = rest.mean(2, keepdim=True) * rest.shape[2] ** 0.5
    return torch.cat((first, shared.expand_as(rest)), 2).square()
