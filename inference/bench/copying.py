"""Copy-paste: frames that look more like a training photo than like any new picture."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

_SIDE = 24


def copied(frames: Tensor, photos: Tensor, fresh: Tensor) -> float:
    """The share of frames that are closer to a training photo than to every new true picture.

    Close is a high correlation of the pictures shrunk to 24 pixels.

    Args:
        frames: (F, 3, H, W).
        photos: those that were trained on, (P, 3, H, W); sizes may differ.
        fresh: as many pictures of the same individual in the scenes asked for, (P, 3, H, W).
    """
    shown = _vectors(frames)
    own, new = (shown @ _vectors(pictures).T for pictures in (photos, fresh))
    return float((own.amax(1) > new.amax(1)).float().mean())


def _vectors(pictures: Tensor) -> Tensor:
    small = F.interpolate(pictures.float(), (_SIDE, _SIDE), mode="area").flatten(1)
    return F.normalize(small - small.mean(1, keepdim=True), dim=1)
