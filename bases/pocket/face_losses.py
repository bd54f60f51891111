"""What the detector and the recogniser are asked for.

Shape suffixes: N pictures, A anchors over all strides, K faces a picture.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bases.pocket.face_networks import ANCHOR_SIZES, STRIDES
from bases.pocket.face_pictures import Photos


def anchors(size: int) -> tuple[Tensor, Tensor, Tensor]:
    """The places (A, 2), strides (A,) and face sizes (A,) of a detector's rows."""
    places, strides, sizes = [], [], []
    for stride, pair in zip(STRIDES, ANCHOR_SIZES, strict=True):
        steps = torch.arange(size // stride) * float(stride)
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).reshape(-1, 1, 2)
        places.append(grid.expand(-1, 2, -1).reshape(-1, 2))
        strides.append(torch.full((len(places[-1]),), float(stride)))
        sizes.append(torch.tensor(pair).repeat(len(grid)))
    return torch.cat(places), torch.cat(strides), torch.cat(sizes)


def detector_loss(outputs: tuple[Tensor, ...], photos: Photos) -> tuple[Tensor, Tensor, Tensor]:
    """The loss, and of it the scores' part and the landmarks' mean error in face sizes."""
    score_NA = torch.cat(outputs[:3], 1)[..., 0]
    box_NA4, points_NA10 = torch.cat(outputs[3:6], 1), torch.cat(outputs[6:], 1)
    place_A2, stride_A, size_A = anchors(photos.pictures.shape[-1])
    face_NA, positive_NA, ignored_NA = _assign(photos, place_A2, stride_A, size_A)

    hit = torch.sigmoid(score_NA)
    hit = torch.where(positive_NA, 1 - hit, hit)
    focal = hit.square() * F.binary_cross_entropy_with_logits(
        score_NA, positive_NA.float(), reduction="none"
    )
    count = positive_NA.sum().clamp_min(1)
    scores = (focal * (positive_NA | ~ignored_NA)).sum() / count

    picture, row = positive_NA.nonzero(as_tuple=True)
    face = face_NA[picture, row]
    box, points = photos.boxes[picture, face], photos.landmarks[picture, face]
    place, stride, size = place_A2[row], stride_A[row, None], size_A[row, None]
    sides = torch.cat((place - box[:, :2], box[:, 2:] - place), 1)
    box_error = (box_NA4[picture, row] * stride - sides).abs() / size
    offsets = (points - place[:, None]).flatten(1)
    point_error = (points_NA10[picture, row] * stride - offsets).abs() / size
    loss = scores + 1.5 * box_error.sum() / 4 / count + 6 * point_error.sum() / 10 / count
    return loss, scores, point_error.mean()


def contrastive_loss(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """NT-Xent (Chen et al., 2020): row i of (N, D) and row i of (N, D) show one individual."""
    both = F.normalize(torch.cat((first, second)), dim=1)
    similar = both @ both.T / temperature
    itself = torch.eye(len(both), dtype=torch.bool, device=both.device)
    partner = torch.arange(len(both), device=both.device).roll(len(first))
    return F.cross_entropy(similar.masked_fill(itself, float("-inf")), partner)


def _assign(
    photos: Photos, place_A2: Tensor, stride_A: Tensor, size_A: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """For each anchor: its nearest face, whether it must find it, whether it may do as it likes."""
    corners = photos.boxes.view(*photos.boxes.shape[:2], 2, 2)
    middle = corners.mean(2)
    face_size = (corners[:, :, 1] - corners[:, :, 0]).clamp_min(1).prod(-1).sqrt()
    far_NKA = (place_A2 - middle[:, :, None]).norm(dim=-1) / stride_A
    ratio_NKA = (face_size.log()[..., None] - size_A.log()).abs()
    beyond = (face_size[..., None] > size_A) & (size_A == ANCHOR_SIZES[-1][-1])
    ratio_NKA = torch.where(beyond, torch.zeros(()), ratio_NKA)

    positive = (far_NKA < 0.8) & (ratio_NKA < 0.34) & photos.present[..., None]
    near = (far_NKA < 1.7) & (ratio_NKA < 0.7) & photos.present[..., None]
    over = (place_A2 > corners[:, :, :1]).all(-1) & (place_A2 < corners[:, :, 1:]).all(-1)
    ignored = (near | (over & photos.doubtful[..., None])).any(1)
    distance = torch.where(positive, far_NKA, torch.inf)
    return distance.argmin(1), positive.any(1), ignored
