"""The half of the judge that looks at the subject closely: residual convolutions over a window.

Shape suffixes: N pictures, T things told.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from bases.pocket.judge.traits import COLOURS, FORMS, MEASURES
from bases.pocket.world.scenes import EXPRESSIONS

SIDE = 64
"""Pixels that a window is brought to, and the smaller one inside it."""

_WIDTHS = (40, 64, 112, 160)
_NARROW = 48


@dataclass(frozen=True)
class Portrait:
    """What the portraitist sees in N windows.

    Attributes:
        identity: (N, D) directions of length 1, close for one individual.
        traits: by "kind.name", logits (N, names) of a form or a colour (N, 3).
        measures: by kind, all that can be measured of a look, (N, M); see `traits.measures`.
        expression: (N, names) logits over `EXPRESSIONS`.
        intensity: (N,) logits of how strong the expression is.
    """

    identity: Tensor
    traits: dict[str, Tensor]
    measures: dict[str, Tensor]
    expression: Tensor
    intensity: Tensor


class Portraitist(nn.Module):
    """Looks at windows and says who is seen and how they look.

    Args:
        widths: channels at strides 2, 4, 8 and 16.
        identity: numbers in an identity.
    """

    def __init__(self, widths: tuple[int, int, int, int] = _WIDTHS, identity: int = 128) -> None:
        super().__init__()
        stages: list[nn.Module] = [nn.Conv2d(6, widths[0], 4, 2, 1, bias=False)]
        for before, after in zip(widths, widths[1:], strict=False):
            stages += [_Residual(before), nn.Conv2d(before, after, 3, 2, 1, bias=False)]
        stages += [_Residual(widths[-1]), _Residual(widths[-1]), nn.Conv2d(widths[-1], _NARROW, 1)]
        self.body = nn.Sequential(*stages)
        places = (SIDE // 16) ** 2
        self.mix = nn.Sequential(
            nn.Linear(_NARROW * places, 512), nn.LayerNorm(512), nn.GELU(), nn.Linear(512, 512)
        )
        self.identity = nn.Linear(512, identity)
        sizes = {f"{kind}.{n}": len(names) for kind, t in FORMS.items() for n, names in t.items()}
        sizes |= {f"{kind}.{name}": 3 for kind, names in COLOURS.items() for name in names}
        self.sizes = sizes | MEASURES | {"expression": len(EXPRESSIONS), "intensity": 1}
        self.told = nn.Linear(512, sum(self.sizes.values()))

    def forward(self, windows: Tensor) -> Portrait:
        """Look at windows (N, 6, 64, 64) in [-1, 1], as `windows.cut` cuts them."""
        seen = self.mix(self.body(windows).flatten(1))
        parts = self.told(F.gelu(seen)).split(list(self.sizes.values()), -1)
        told = dict(zip(self.sizes, parts, strict=True))
        return Portrait(
            identity=F.normalize(self.identity(seen).float(), dim=-1),
            traits={name: part for name, part in told.items() if "." in name},
            measures={kind: told[kind] for kind in MEASURES},
            expression=told["expression"],
            intensity=told["intensity"][:, 0],
        )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.GroupNorm(width // 8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.GroupNorm(width // 8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.inner(x)
        return y
