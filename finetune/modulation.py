"""Modulation by the noise level alone, kept as products of two thin matrices.

A block of some transformers is scaled and shifted by what one large linear layer makes of the noise
level's embedding (AdaLN). Of MiniMax-H3's 33 billion numbers 13 billion lie in such layers. But a
noise level is a single number, and its embedding, in however many dimensions, goes along one smooth
curve, for which a few directions are enough: there x = U Uᵀ x, so that W x = (W U)(Uᵀ x).

Shape suffixes: N noise levels, I features in, O features out, R directions.
"""

from __future__ import annotations

import re
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bases.family import Family
from finetune.errors import TrainingError

DIRECTIONS = 16
LEVELS = 1025
"""So many noise levels stand for all of them."""

_LARGEST_LOSS = 1e-4
"""Of the curve; rounding to bfloat16 costs forty times as much."""


class Factorised(nn.Module):
    """A linear layer y = W x + b as y = (W U)(Uᵀ x) + b, computed in float32.

    Args:
        layer: what it stands for.
        directions_IR: the columns of U, orthonormal.
    """

    def __init__(self, layer: nn.Linear, directions_IR: Tensor) -> None:
        super().__init__()
        self.precision = layer.weight.dtype
        up_OR = layer.weight.detach().float() @ directions_IR
        self.down = nn.Parameter(directions_IR.T.contiguous(), requires_grad=False)
        self.up = nn.Parameter(up_OR, requires_grad=False)
        bias = None if layer.bias is None else layer.bias.detach().float()
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """What the layer makes of x (..., I): (..., O), in the layer's own precision."""
        with torch.autocast(x.device.type, enabled=False):
            thin = F.linear(x.float(), self.down)
            return F.linear(thin, self.up, self.bias).to(self.precision)


def factorise(transformer: Any, family: Family) -> None:
    """Put thin products in the place of the layers that a family says hear the noise level alone.

    Raises:
        TrainingError: if the noise level's embedding does not lie in so few directions.
    """
    layers = {
        name: layer
        for name, layer in transformer.named_modules()
        if family.modulation and re.fullmatch(family.modulation, name)
    }
    if not layers:
        return
    weight = next(iter(layers.values())).weight
    levels = torch.linspace(0, 1, LEVELS, device=weight.device)
    with torch.no_grad():
        directions_IR = _directions(family.modulated_by(transformer, levels), family.source)
    for name, layer in layers.items():
        transformer.set_submodule(name, Factorised(layer, directions_IR))


def _directions(curve_NI: Tensor, source: str) -> Tensor:
    """The directions in which a curve lies, orthonormal columns (I, R) in float32."""
    if curve_NI.is_meta:
        return curve_NI.new_empty(curve_NI.shape[1], min(DIRECTIONS, curve_NI.shape[1])).float()
    curve_NI = curve_NI.double()
    *_, rows = torch.linalg.svd(curve_NI, full_matrices=False)
    directions_IR = rows[:DIRECTIONS].T
    lost_NI = curve_NI - curve_NI @ directions_IR @ directions_IR.T
    lost = (lost_NI.norm(dim=-1).max() / curve_NI.norm(dim=-1).max()).item()
    if not lost <= _LARGEST_LOSS:
        raise TrainingError(
            f"model.thrift.modulation='factorised': of the base {source!r} that would lose "
            f"{lost:.1e} of the noise level's embedding, more than {_LARGEST_LOSS:.0e}. Leave it "
            "at 'plain'."
        )
    return directions_IR.float()
