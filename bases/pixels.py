"""Pictures as networks take them, and frames as files hold them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bases.video import Frames


def as_frames(pictures: Tensor) -> Frames:
    """Pictures (N, 3, H, W) in [-1, 1] as frames (N, H, W, 3) in [0, 255]."""
    scaled = ((pictures + 1) * 127.5).round().clamp(0, 255).byte()
    return np.ascontiguousarray(scaled.permute(0, 2, 3, 1).numpy())


def as_pictures(frames: Frames) -> Tensor:
    """Frames (N, H, W, 3) in [0, 255] as pictures (N, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2) / 127.5 - 1
