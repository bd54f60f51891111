"""What autograd keeps of a pass through a transformer that has no numbers, for the way back."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map_only

_META = torch.device("meta")


class Kept(TorchFunctionMode):
    """A context that counts what is saved, with attention as fused kernels do it.

    Without numbers PyTorch would choose the formula for attention that keeps every pair of tokens.
    Masks of tokens may have numbers, for some transformers drop or sort what does not count; where
    one goes into attention, its shape is enough.

    Args:
        weights: storages of the transformer's weights, by `_cdata`, which lie there anyway.

    Attributes:
        attention: bytes that come out of attention.
    """

    def __init__(self, weights: set[int]) -> None:
        super().__init__()
        self.attention = 0.0
        self._weights = weights
        self._storages: dict[int, Any] = {}
        self._hooks = ExitStack()

    def __enter__(self) -> Self:
        """Begin to count."""
        self._hooks.enter_context(saved_tensors_hooks(self._keep, lambda tensor: tensor))
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        """End."""
        super().__exit__(*raised)
        self._hooks.close()

    @property
    def kept(self) -> float:
        """Bytes of what was saved, each storage once."""
        return float(sum(storage.nbytes() for storage in self._storages.values()))

    def _keep(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in self._weights:
            self._storages[storage._cdata] = storage
        return tensor

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Answer what cannot be answered without numbers; choose precisions as a GPU does."""
        if func is not Tensor.__getitem__:
            args, kwargs = _alike((args, kwargs or {}))
        if func in _PRECISE:
            args, kwargs = _cast((args, kwargs), torch.float32)
        elif func in _HALF:
            args, kwargs = _cast((args, kwargs), torch.bfloat16)
        if func is F.scaled_dot_product_attention:
            out = _fused(*args, **(kwargs or {}))
            self.attention += out.untyped_storage().nbytes()
            return out
        if func is F.pad:  # a mask of tokens, about to become one of all pairs
            args, kwargs = _to_meta((args, kwargs))
        elif func is torch.all and any(tensor.is_meta for tensor in _tensors(args)):
            return torch.tensor(True)  # "are these zeros?", asked of a picture that is not there
        return func(*args, **(kwargs or {}))


_PRECISE = {
    F.layer_norm,
    F.rms_norm,
    F.group_norm,
    F.softmax,
    F.mse_loss,
    torch.pow,
    Tensor.pow,
    Tensor.__pow__,
    torch.rsqrt,
    Tensor.rsqrt,
    torch.exp,
    Tensor.exp,
    torch.sum,
    Tensor.sum,
}
"""What mixed precision computes in float32 on a GPU, of what transformers do."""
_HALF = {F.linear, F.conv2d, F.conv3d, torch.matmul, F.scaled_dot_product_attention}
"""What it computes in bfloat16 whatever it is given."""


def _tensors(arguments: Any) -> list[Tensor]:
    return [part for part in tree_leaves(arguments) if isinstance(part, Tensor)]


def _to_meta(arguments: Any) -> Any:
    return tree_map_only(Tensor, lambda tensor: tensor.to(_META), arguments)


def _alike(arguments: Any) -> Any:
    """Arguments of which none has numbers if one has none."""
    if any(tensor.is_meta for tensor in _tensors(arguments)):
        return _to_meta(arguments)
    return arguments


def _cast(arguments: Any, dtype: torch.dtype) -> Any:
    """Arguments whose floating-point tensors without numbers are of one precision."""
    return tree_map_only(
        Tensor,
        lambda t: t.to(dtype) if t.is_meta and t.is_floating_point() else t,
        arguments,
    )


def _fused(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if attn_mask is not None:
        attn_mask = attn_mask.to(query.dtype)  # what is kept of it, one or zero
    fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    return fused(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)[0]
