"""The half of the judge that watches whole frames: a transformer over places, one over frames.

A frame is looked at beside what has changed in it since the one before.

Shape suffixes: B clips, F frames, N = B × F pictures, D features, P = 64 places, K spots, M maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bases.pocket.world.scenes import CHOICES
from bases.pocket.world.truth import JOINTS

SIZE = 64
"""Pixels that the watcher brings a frame to."""
SPOTS = (*JOINTS, "ball")
CELLS = 16
"""Heat maps are so many cells wide and high."""
WATCHED = tuple(choice for choice in CHOICES if choice != "expression")
"""The choices that are told from whole frames."""

_PLACES, _LONGEST = 8, 64


@dataclass(frozen=True)
class Watched:
    """What the watcher sees in B clips of F frames.

    Attributes:
        mask: (B, F, 16, 16) logits, where the subject is.
        spots: (B, F, K, 16, 16) logits over the cells, where each of `SPOTS` is.
        scene: by choice of `WATCHED`, logits (B, names).
    """

    mask: Tensor
    spots: Tensor
    scene: dict[str, Tensor]


class Watcher(nn.Module):
    """Looks at clips and says where the subject is, what it does and how it is filmed.

    Args:
        width: features of a place.
        depth: layers over the places of a frame.
    """

    def __init__(self, width: int = 160, depth: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(2 * 3, width // 4, 3, 2, 1),
            nn.GELU(),
            nn.Conv2d(width // 4, width // 2, 3, 2, 1),
            nn.GELU(),
            nn.Conv2d(width // 2, width, 3, 2, 1),
        )
        self.neighbours = nn.Conv1d(width, width, 3, 1, 1)
        self.where = nn.Parameter(torch.randn(_PLACES**2, width) * 0.02)
        self.asked = nn.Parameter(torch.randn(1, width) * 0.02)
        self.places = _transformer(width, depth)
        self.when = nn.Parameter(torch.randn(_LONGEST, width) * 0.02)
        self.frames = _transformer(width, 2)
        self.maps = nn.Linear(width, 4 * (1 + len(SPOTS)))
        self.choice_sizes = {choice: len(CHOICES[choice]) for choice in WATCHED}
        self.scene = nn.Linear(2 * width, sum(self.choice_sizes.values()))

    def forward(self, clips: Tensor) -> Watched:
        """Watch clips (B, 3, F, H, W) in [-1, 1], F at most 64."""
        count, frames = clips.shape[0], clips.shape[2]
        features_NPD = self.stem(_with_changes(clips)).flatten(2).mT
        features_NPD = features_NPD + self._over_neighbours(features_NPD, frames) + self.where
        asked = self.asked.expand(len(features_NPD), -1, -1)
        seen = self.places(torch.cat((asked, features_NPD), 1))
        what, places = seen[:, 0], seen[:, 1:]
        over_time = self.frames(what.view(count, frames, -1) + self.when[:frames])
        summary = torch.cat((over_time.mean(1), over_time.amax(1)), -1)
        choices = self.scene(summary).split(list(self.choice_sizes.values()), -1)
        maps = _maps(self.maps(places)).unflatten(0, (count, frames))
        return Watched(
            mask=maps[:, :, 0],
            spots=maps[:, :, 1:],
            scene=dict(zip(self.choice_sizes, choices, strict=True)),
        )

    def _over_neighbours(self, features_NPD: Tensor, frames: int) -> Tensor:
        """What each place has to do with itself one frame before and one after."""
        lanes = features_NPD.unflatten(0, (-1, frames)).permute(0, 2, 3, 1)  # B, P, D, F
        mixed = self.neighbours(lanes.flatten(0, 1)).unflatten(0, lanes.shape[:2])
        return mixed.permute(0, 3, 1, 2).flatten(0, 1)


def _with_changes(clips: Tensor) -> Tensor:
    """The frames of clips (B, 3, F, H, W), brought to 64×64, and their changes: (N, 6, 64, 64)."""
    count = len(clips)
    pictures = clips.transpose(1, 2).flatten(0, 1)
    if pictures.shape[-1] != SIZE:
        pictures = F.interpolate(pictures, (SIZE, SIZE), mode="area")
    frames = pictures.unflatten(0, (count, -1))
    changes = frames.diff(dim=1, prepend=frames[:, :1])
    return torch.cat((frames, changes), 2).flatten(0, 1)


def _transformer(width: int, depth: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        width, width // 32, 4 * width, 0.0, F.gelu, batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False)


def _maps(values_NPM: Tensor) -> Tensor:
    """What 8 × 8 places say of their four quarters each, as maps (N, M / 4, 16, 16)."""
    return F.pixel_shuffle(values_NPM.mT.unflatten(2, (_PLACES, _PLACES)), CELLS // _PLACES)
