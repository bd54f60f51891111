"""The judge's network: a convolutional stem, a transformer over places, one over frames.

Another architecture than that of the face package, which audits photos and picks checkpoints: who
scores must not be who chose.

Shape suffixes: B clips, F frames, N = B × F pictures, D features, P = 64 places, K spots.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bases.pocket.judge.traits import COLOURS, FORMS
from bases.pocket.world.scenes import CHOICES
from bases.pocket.world.truth import JOINTS

SIZE = 64
"""Pixels that the judge brings a frame to."""
SPOTS = (*JOINTS, "ball")
CELLS = 16
"""Heat maps are so many cells wide and high."""

_PLACES, _LONGEST = 8, 64


@dataclass(frozen=True)
class Opinion:
    """What the judge sees in B clips of F frames.

    Attributes:
        mask: (B, F, 16, 16) logits, where the subject is.
        spots: (B, F, K, 16, 16) logits over the cells, where each of `SPOTS` is.
        identity: (B, F, 128) directions of length 1, close for one individual.
        traits: by "kind.name", logits (B, F, names) of a form or a colour (B, F, 3).
        scene: by choice, logits (B, names).
        intensity: (B,) of the expression.
    """

    mask: Tensor
    spots: Tensor
    identity: Tensor
    traits: dict[str, Tensor]
    scene: dict[str, Tensor]
    intensity: Tensor


class Judge(nn.Module):
    """Looks at clips and says who is seen, where, what they do and how they are filmed.

    Args:
        width: features of a place.
        depth: layers over the places of a frame.
        identity: numbers in an identity.
    """

    def __init__(self, width: int = 160, depth: int = 4, identity: int = 128) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 4, 3, 2, 1),
            nn.GELU(),
            nn.Conv2d(width // 4, width // 2, 3, 2, 1),
            nn.GELU(),
            nn.Conv2d(width // 2, width, 3, 2, 1),
        )
        self.where = nn.Parameter(torch.randn(_PLACES**2, width) * 0.02)
        self.asked = nn.Parameter(torch.randn(2, width) * 0.02)
        self.places = _transformer(width, depth)
        self.when = nn.Parameter(torch.randn(_LONGEST, width) * 0.02)
        self.frames = _transformer(width, 2)
        self.maps = nn.Linear(width, 4 * (1 + len(SPOTS)))
        self.identity = nn.Linear(width, identity)
        sizes = {f"{kind}.{n}": len(names) for kind, t in FORMS.items() for n, names in t.items()}
        sizes |= {f"{kind}.{name}": 3 for kind, names in COLOURS.items() for name in names}
        self.trait_sizes = sizes
        self.traits = nn.Linear(width, sum(sizes.values()))
        self.choice_sizes = {choice: len(names) for choice, names in CHOICES.items()}
        self.scene = nn.Linear(2 * width, 1 + sum(self.choice_sizes.values()))

    def forward(self, clips: Tensor) -> Opinion:
        """Judge clips (B, 3, F, H, W) in [-1, 1], F at most 64."""
        count, frames = clips.shape[0], clips.shape[2]
        pictures = clips.transpose(1, 2).flatten(0, 1)
        if pictures.shape[-1] != SIZE:
            pictures = F.interpolate(pictures, (SIZE, SIZE), mode="area")
        features_NPD = self.stem(pictures).flatten(2).mT + self.where
        asked = self.asked.expand(len(pictures), -1, -1)
        seen = self.places(torch.cat((asked, features_NPD), 1))
        who, what, places = seen[:, 0], seen[:, 1], seen[:, 2:]
        over_time = self.frames(what.view(count, frames, -1) + self.when[:frames])
        summary = torch.cat((over_time.mean(1), over_time.amax(1)), -1)
        intensity, *choices = self.scene(summary).split([1, *self.choice_sizes.values()], -1)
        traits = self.traits(who.view(count, frames, -1)).split(list(self.trait_sizes.values()), -1)
        maps = _maps(self.maps(places)).unflatten(0, (count, frames))
        return Opinion(
            mask=maps[:, :, 0],
            spots=maps[:, :, 1:],
            identity=F.normalize(self.identity(who).float(), dim=-1).view(count, frames, -1),
            traits=dict(zip(self.trait_sizes, traits, strict=True)),
            scene=dict(zip(self.choice_sizes, choices, strict=True)),
            intensity=intensity[:, 0],
        )


def save_judge(judge: Judge, path: Path) -> None:
    """Keep the judge's weights, in bfloat16."""
    weights = {name: weight.bfloat16().contiguous() for name, weight in judge.state_dict().items()}
    save_file(weights, path)


def load_judge(path: Path) -> Judge:
    """The judge whose weights are in a file, in float32, ready to judge."""
    judge = Judge()
    judge.load_state_dict({name: weight.float() for name, weight in load_file(path).items()})
    return judge.eval()


def _transformer(width: int, depth: int) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        width, width // 32, 4 * width, 0.0, F.gelu, batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(width), enable_nested_tensor=False)


def _maps(values_NPM: Tensor) -> Tensor:
    """What 8 × 8 places say of their four quarters each, as maps (N, M / 4, 16, 16)."""
    return F.pixel_shuffle(values_NPM.mT.unflatten(2, (_PLACES, _PLACES)), CELLS // _PLACES)
