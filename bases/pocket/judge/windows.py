"""The window that is cut out of a picture around a subject, to be looked at closely.

A smaller one, around a person's face, is cut out of it again: a mouth is a few pixels wide.

Shape suffixes: N pictures, B clips, F frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bases.pocket.judge.portraitist import SIDE
from bases.pocket.judge.reading import middle_of, spots_at
from bases.pocket.judge.watcher import CELLS, Watched
from bases.pocket.world.camera import half_height
from bases.pocket.world.scenes import KINDS
from bases.pocket.world.truth import ClipTruth

_REACH = {"person": 0.36, "pet": 0.42, "object": 0.30}
"""From a window's middle to its edge, world units."""
_LOWER = {"person": 0.08, "pet": 0.0, "object": 0.0}
"""A person's window hangs from the head, so that the shirt is seen too; world units."""
_INNER, _HIGHER = 0.58, 0.22
"""The smaller window, by the larger one's reach: its own reach, and how much higher it is."""
_JITTER, _SCALE_JITTER = 0.05, 0.10


def true_windows(
    truth: ClipTruth, kind: str, size: int, generator: Generator | None = None
) -> Tensor:
    """The windows (B, F, 3) around subjects of one kind: x, y and reach, in half pictures.

    Args:
        truth: of the clips.
        kind: of the subjects.
        size: of the clips, pixels.
        generator: moves and scales the windows a little, as a judge's errors do; none if None.
    """
    if kind == "person":
        middle = (truth.joints[:, :, 0] + 0.5) * (2 / size) - 1
    else:
        middle = middle_of(F.adaptive_avg_pool2d(truth.masks[:, 0], CELLS))
    found = _around(middle, truth.scale * (2 / size), [kind] * len(middle))
    if generator is None:
        return found
    shift = torch.randn(*found.shape[:2], 2, generator=generator) * _JITTER
    scale = torch.exp(torch.randn(found.shape[:2], generator=generator) * _SCALE_JITTER)
    moved = found[..., :2] + shift.to(found) * found[..., 2:]
    return torch.cat((moved, (found[..., 2] * scale.to(found))[..., None]), -1)


def seen_windows(watched: Watched) -> Tensor:
    """The windows (B, F, 3) around whom the watcher sees, as `true_windows` gives them.

    Their reach is that of a lone subject before the camera zooms: beside a companion, and late in a
    zoom, they are off by up to a half.
    """
    scene = {choice: watched.scene[choice].argmax(-1) for choice in ("kind", "shot")}
    kinds = [KINDS[number] for number in scene["kind"].tolist()]
    head = (spots_at(watched.spots)[:, :, 0] + 0.5) * (2 / CELLS) - 1
    mass = middle_of(torch.sigmoid(watched.mask.float()))
    person = (scene["kind"] == KINDS.index("person"))[:, None, None]
    scale = 1 / half_height(scene["kind"], scene["shot"])
    return _around(torch.where(person, head, mass), scale[:, None].expand(head.shape[:2]), kinds)


def _around(middle_BF2: Tensor, scale_BF: Tensor, kinds: list[str]) -> Tensor:
    """Windows around points; the scale is in half pictures a world unit."""
    reach = scale_BF.new_tensor([_REACH[kind] for kind in kinds])[:, None] * scale_BF
    lower = scale_BF.new_tensor([_LOWER[kind] for kind in kinds])[:, None] * scale_BF
    x, y = middle_BF2.unbind(-1)
    return torch.stack((x, y + lower, reach), -1)


def cut(pictures: Tensor, windows_N3: Tensor) -> Tensor:
    """What windows show of pictures (N, 3, H, W), and the smaller ones in them: (N, 6, 64, 64).

    Beyond the picture's edge they are grey.
    """
    x, y, reach = windows_N3.to(pictures).unbind(-1)
    whole = _shown(pictures, x, y, reach)
    return torch.cat((whole, _shown(pictures, x, y - _HIGHER * reach, _INNER * reach)), 1)


def _shown(pictures: Tensor, x: Tensor, y: Tensor, reach: Tensor) -> Tensor:
    zero = torch.zeros_like(x)
    theta = torch.stack((torch.stack((reach, zero, x), -1), torch.stack((zero, reach, y), -1)), 1)
    with torch.autocast(pictures.device.type, enabled=False):  # bfloat16 is too coarse for places
        grid = F.affine_grid(theta, [len(pictures), 3, SIDE, SIDE], align_corners=False)
        return F.grid_sample(pictures, grid, align_corners=False)
