"""LoRA layers that train faster than PEFT's own, with the same weights, names and result.

Shape suffixes: N tokens of all rows, I features in, O features out, R the rank.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from peft.tuners.lora.layer import Linear
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def make_lean(model: nn.Module) -> None:
    """Make those of a model's LoRA layers lean that PEFT made over ordinary linear layers."""
    for module in model.modules():
        if type(module) is Linear:
            module.__class__ = LeanLinear


class LeanLinear(Linear):
    """PEFT's LoRA layer over a frozen linear layer, in one operation where that is possible.

    PEFT computes y = W x + s B A x in six operations, three of which write a whole output or its
    gradient once more, and takes x to the adapter's precision. Here the low-rank part is added into
    W x as it is multiplied, and so are the gradients. What this does not cover (dropout, variants
    such as DoRA, several adapters at once, a base in few bits) goes PEFT's way.
    """

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """The layer's output (..., O) for x (..., I)."""
        slot = None if args or kwargs else self._lone_slot(x)
        if slot is None:
            output: Tensor = super().forward(x, *args, **kwargs)
            return output
        base, down, up = self.base_layer, self.lora_A[slot].weight, self.lora_B[slot].weight
        x = x.to(_mixed_precision(x) or x.dtype)
        lean: Tensor = _Lean.apply(x, base.weight, base.bias, down, up, self.scaling[slot])
        return lean

    def _lone_slot(self, x: Tensor) -> str | None:
        """The adapter that counts, if it is the only one, plain, and over a plain linear layer.

        Nor may it be of another precision than `x`, unless mixed precision brings both to one.
        """
        slots = [slot for slot in self.active_adapters if slot in self.lora_A]
        if self.disable_adapters or self.merged or len(slots) != 1:
            return None
        base, slot = self.base_layer, slots[0]
        plain = type(base) is nn.Linear and type(base.weight) is nn.Parameter
        frozen = plain and not base.weight.requires_grad
        simple = slot not in self.lora_variant and not self.lora_bias[slot]
        still = isinstance(self.lora_dropout[slot], nn.Identity)
        alike = _mixed_precision(x) is not None or x.dtype == self.lora_A[slot].weight.dtype
        return slot if frozen and simple and still and alike else None


def _mixed_precision(x: Tensor) -> torch.dtype | None:
    """What linear layers compute in under mixed precision; None without.

    Without numbers, where a GPU's memory is counted, it is what the GPU computes in.
    """
    if x.is_meta:
        return torch.bfloat16
    device = x.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return None


class _Lean(torch.autograd.Function):
    """y = x Wᵀ + b + s (x Aᵀ) Bᵀ, of which A, B and x have gradients."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any,
        x: Tensor,
        weight_OI: Tensor,
        bias_O: Tensor | None,
        down_RI: Tensor,
        up_OR: Tensor,
        scaling: float,
    ) -> Tensor:
        weight_OI = weight_OI.to(x.dtype)
        x_NI = x.reshape(-1, x.shape[-1])
        middle_NR = x_NI @ down_RI.to(x.dtype).T
        output_NO = F.linear(x_NI, weight_OI, None if bias_O is None else bias_O.to(x.dtype))
        output_NO.addmm_(middle_NR, up_OR.to(x.dtype).T, alpha=scaling)
        ctx.save_for_backward(x_NI, middle_NR, weight_OI, down_RI, up_OR)
        ctx.scaling = scaling
        return output_NO.view(*x.shape[:-1], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        x_NI, middle_NR, weight_OI, down_RI, up_OR = ctx.saved_tensors
        gradient_NO = gradient.reshape(-1, gradient.shape[-1])
        inner_NR = gradient_NO @ up_OR.to(gradient.dtype) * ctx.scaling
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (gradient_NO @ weight_OI).addmm_(inner_NR, down_RI.to(gradient.dtype))
            of_x = of_x.view(*gradient.shape[:-1], -1)
        of_down = (inner_NR.T @ x_NI).to(down_RI.dtype)
        of_up = (gradient_NO.T @ middle_NR * ctx.scaling).to(up_OR.dtype)
        return of_x, None, None, of_down, of_up, None
