"""insightface's `face_align.norm_crop` for many pictures at once, in torch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

CROP = 112
_TEMPLATE = (
    (38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366),
    (41.5493, 92.3655), (70.7299, 92.2041),
)  # fmt: skip


def norm_crop(pictures: Tensor, landmarks: Tensor) -> Tensor:
    """Align faces to insightface's template.

    Args:
        pictures: (N, 3, H, W) in [-1, 1].
        landmarks: (N, 5, 2) in pixels, (0, 0) the middle of the first pixel.

    Returns:
        (N, 3, 112, 112) in [-1, 1]; black where the crop leaves the picture.
    """
    rotation, shift = similarity(landmarks)
    steps = torch.arange(CROP, device=pictures.device, dtype=pictures.dtype)
    places = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)
    source = (places[None] - shift[:, None, None]) @ torch.linalg.inv(rotation).mT[:, None]
    sides = source.new_tensor((pictures.shape[3], pictures.shape[2]))
    grid = (2 * source + 1) / sides - 1
    return F.grid_sample(pictures + 1, grid, padding_mode="zeros", align_corners=False) - 1


def similarity(landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """The similarity that brings landmarks (N, 5, 2) closest to the template.

    In two dimensions the least-squares answer (Umeyama, 1991) is one complex number that turns and
    scales, here written as a matrix.

    Returns:
        the matrices (N, 2, 2) and the shifts (N, 2): template = matrix @ landmark + shift.
    """
    template = landmarks.new_tensor(_TEMPLATE)
    source_mean, target_mean = landmarks.mean(1), template.mean(0)
    source, target = landmarks - source_mean[:, None], template - target_mean
    along = (source * target).sum((1, 2))
    across = (source[..., 0] * target[..., 1] - source[..., 1] * target[..., 0]).sum(1)
    cos, sin = (value / source.square().sum((1, 2)) for value in (along, across))
    matrix = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)
    return matrix, target_mean - (matrix @ source_mean[..., None])[..., 0]
