"""What saves memory or time in training, each a plain option.

The frozen base's weights can be kept small (torchao, bitsandbytes, thin products) or wait in the
machine's memory (PyTorch), its activations computed twice instead of kept (PyTorch), its blocks
compiled and its attention fused (diffusers), and the optimiser's state kept in 8 bits (torchao).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

import torch
from diffusers import ModelMixin
from diffusers.models.attention_dispatch import attention_backend
from torch import nn
from torch.utils.checkpoint import (
    CheckpointPolicy,
    checkpoint,
    create_selective_checkpoint_contexts,
    noop_context_fn,
)

from bases.family import Family
from finetune.errors import TrainingError
from finetune.modulation import factorise
from finetune.offload import offload

Weights = Literal["plain", "fp8", "int8", "nf4"]
Modulation = Literal["plain", "factorised"]
Recompute = Literal["nothing", "all but attention", "everything"]

BYTES = {"plain": 2.0, "fp8": 1.0, "int8": 1.0, "nf4": 0.53}
"""Of a frozen weight on a GPU; NF4 has a scale for every 64 weights (Dettmers et al., 2023)."""

_ATTENTION = {
    getattr(torch.ops.aten, name).default
    for name in (
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_cudnn_attention",
        "_scaled_dot_product_flash_attention_for_cpu",
    )
}


@dataclass(frozen=True)
class Thrift:
    """How to save memory and time.

    Attributes:
        weights: how the frozen base's linear layers are kept: as they are, in 8 bits (fp8, int8)
            or in 4 (nf4). What learns is always float32.
        modulation: how the layers that hear the noise level alone are kept, where they are a large
            part of the base: as they are, or as thin products; see `finetune.modulation`.
        recompute: which activations are computed again when they are needed, instead of being kept.
        compiled: whether the base's blocks are compiled; the first step then takes minutes.
        attention: one of diffusers' attention backends, such as "flash", "sage" or "_native_cudnn";
            PyTorch's own choice if empty.
        optimizer: AdamW with its state in 32 bits a number, or in 8.
        offload: whether the base's blocks wait in the machine's memory and come to the GPU when
            their turn comes; see `finetune.offload`.
    """

    weights: Weights = "plain"
    modulation: Modulation = "plain"
    recompute: Recompute = "nothing"
    compiled: bool = False
    attention: str = ""
    optimizer: Literal["adamw", "adamw8bit"] = "adamw"
    offload: bool = False

    def check(self) -> None:
        """Make sure that the options go together and can be had.

        Raises:
            TrainingError: if weights of few bits were to wait, which stay on the GPU, or what makes
                them is not installed.
        """
        if self.weights in ("fp8", "int8") or self.optimizer == "adamw8bit":
            _require("torchao")
        if self.weights == "nf4":
            _require("bitsandbytes")
        if self.offload and self.weights != "plain":
            raise TrainingError(
                f"model.thrift.offload=True and model.thrift.weights={self.weights!r} do not go "
                "together: only plain weights wait in the machine's memory. Give one of them."
            )

    @property
    def saves_time_alone(self) -> bool:
        """Whether it compiles or fuses, and saves no memory."""
        return self != NO_THRIFT and replace(self, compiled=False, attention="") == NO_THRIFT

    def loading_device(self, device: torch.device) -> torch.device:
        """Where the base is loaded: what is made small, or waits there, comes from the CPU."""
        stays = self.weights == self.modulation == "plain" and not self.offload
        return device if stays else torch.device("cpu")

    def keep_small(self, transformer: ModelMixin, family: Family, device: torch.device) -> None:
        """Keep what is frozen of a base's transformer small, and bring it to a device.

        Each layer is made small on the way, so that the whole never lies there in full.

        Raises:
            TrainingError: if the library that does it is missing, or the base cannot be kept so.
        """
        if self.modulation == "factorised":
            factorise(transformer, family)
        if self.weights == "nf4":
            _to_nf4(transformer, device)
        elif self.weights != "plain":
            _to_8_bits(transformer, self.weights, device)
        if not self.offload and self.loading_device(device) != device:
            transformer.to(device)

    def spend_less(self, transformer: ModelMixin) -> None:
        """Recompute, fuse and compile, once the LoRA layers are in.

        Raises:
            TrainingError: if the base or this machine cannot do it.
        """
        if self.recompute != "nothing":
            _recompute(transformer, all_but_attention=self.recompute == "all but attention")
        if self.attention:
            _fuse(transformer, self.attention)
        if self.compiled:
            _compile(transformer)

    def wait_outside(self, transformer: ModelMixin, device: torch.device) -> None:
        """Let the base's blocks wait outside the device that computes, once all else is done."""
        if self.offload:
            offload(transformer, list(blocks_of(transformer).values()), device)

    def optimizer_over(
        self, weights: Iterable[nn.Parameter], *, lr: float, weight_decay: float, fused: bool
    ) -> torch.optim.Optimizer:
        """AdamW over what learns.

        Raises:
            TrainingError: if the library that keeps its state in 8 bits is missing.
        """
        if self.optimizer == "adamw":
            return torch.optim.AdamW(weights, lr=lr, weight_decay=weight_decay, fused=fused)
        return _library("torchao.optim").AdamW8bit(weights, lr=lr, weight_decay=weight_decay)


NO_THRIFT = Thrift()


def blocks_of(transformer: nn.Module) -> dict[str, nn.Module]:
    """The blocks that make up nearly all of a transformer, by name."""
    return {
        f"{name}.{index}": block
        for name, blocks in transformer.named_children()
        if isinstance(blocks, nn.ModuleList)
        for index, block in blocks.named_children()
    }


def linear_layers(transformer: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers of a transformer's blocks, by name: what can be kept small."""
    return {
        f"{block}.{name}": layer
        for block, module in blocks_of(transformer).items()
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Linear)
    }


def _to_8_bits(transformer: nn.Module, how: str, device: torch.device) -> None:
    library = _library("torchao.quantization")
    chosen = {"fp8": library.Float8WeightOnlyConfig, "int8": library.Int8WeightOnlyConfig}[how]()
    small = set(linear_layers(transformer))
    library.quantize_(transformer, chosen, lambda _, name: name in small, device=device)


def _to_nf4(transformer: nn.Module, device: torch.device) -> None:
    library = _library("bitsandbytes").nn
    for name, layer in linear_layers(transformer).items():
        small = library.Linear4bit(
            layer.in_features,
            layer.out_features,
            bias=layer.bias is not None,
            compute_dtype=layer.weight.dtype,
            quant_type="nf4",
            device="meta",
        )
        small.weight = library.Params4bit(layer.weight.data, requires_grad=False, quant_type="nf4")
        small.bias = layer.bias
        transformer.set_submodule(name, small.to(device))


def _recompute(transformer: Any, *, all_but_attention: bool) -> None:
    context = partial(create_selective_checkpoint_contexts, _keep_attention)
    again = partial(
        checkpoint,
        use_reentrant=False,
        context_fn=context if all_but_attention else noop_context_fn,
    )
    try:
        transformer.enable_gradient_checkpointing(again)
    except ValueError as error:
        raise TrainingError(
            "model.thrift.recompute: this base cannot compute again; leave it at 'nothing'."
        ) from error


def _keep_attention(_: Any, operator: Any, *__: Any, **___: Any) -> CheckpointPolicy:
    kept = operator in _ATTENTION
    return CheckpointPolicy.MUST_SAVE if kept else CheckpointPolicy.PREFER_RECOMPUTE


def _fuse(transformer: Any, backend: str) -> None:
    layers = (getattr(module, "processor", None) for module in transformer.modules())
    if not any(hasattr(layer, "_attention_backend") for layer in layers):
        raise TrainingError(
            f"model.thrift.attention={backend!r}: this base's attention is PyTorch's own and "
            "cannot be chosen; leave it out."
        )
    try:
        with attention_backend():  # it sets every other model's too, which is undone after it
            transformer.set_attention_backend(backend)
    except (ValueError, RuntimeError, ImportError) as error:
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise TrainingError(
            f"model.thrift.attention={backend!r} does not work here: {said}. Leave it out for "
            "PyTorch's own choice."
        ) from error


def _compile(transformer: nn.Module) -> None:
    for block in blocks_of(transformer).values():
        block.compile()


def _library(name: str) -> Any:
    _require(name.partition(".")[0])
    return import_module(name)


def _require(library: str) -> None:
    if find_spec(library) is None:
        raise TrainingError(
            f"model.thrift wants {library}, which is not installed: pip install 'starring[thrift]'."
        )
