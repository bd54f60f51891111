"""A pipeline on a device: whole where it fits, else layer by layer, as each one's turn comes."""

from __future__ import annotations

import logging
from typing import Any

import torch
from diffusers.hooks import apply_group_offloading
from torch import nn

_log = logging.getLogger(__name__)
_SHARE = 0.75
"""Of the free memory, which weights may take; the rest is for what is computed with them."""


def place(pipe: Any, device: torch.device) -> Any:
    """Put a diffusers pipeline where it computes.

    Where its weights do not fit, they wait in the machine's memory, and the next layer's come while
    the present one computes.

    Args:
        pipe: in the machine's memory.
        device: a GPU or the CPU.

    Returns:
        the same pipeline.
    """
    room, taken = room_on(device), weight_of(pipe)
    if room is None or taken <= room:
        return pipe.to(device)
    _log.warning(
        "The base's weights are %.0f GB, and there is room for %.0f: they wait in the machine's "
        "memory, which takes longer.",
        taken / 1e9,
        room / 1e9,
    )
    for part in networks_of(pipe):
        # All weights pinned at once would take half as much again of the machine's memory.
        apply_group_offloading(
            part,
            onload_device=device,
            offload_type="leaf_level",
            use_stream=device.type == "cuda",
            low_cpu_mem_usage=True,
        )
    return pipe


def room_on(device: torch.device) -> float | None:
    """Bytes that weights may take within what the process may; None on a CPU, where they lie."""
    if device.type != "cuda":
        return None
    gpu = torch.cuda.current_device() if device.index is None else device.index
    free, whole = torch.cuda.mem_get_info(gpu)
    allowed = torch.cuda.get_per_process_memory_fraction(gpu) * whole
    return _SHARE * min(free, allowed - torch.cuda.memory_reserved(gpu))


def weight_of(pipe: Any) -> int:
    """Bytes of all of a pipeline's networks."""
    weights = (weight for part in networks_of(pipe) for weight in part.parameters())
    return sum(weight.numel() * weight.element_size() for weight in weights)


def networks_of(pipe: Any) -> list[nn.Module]:
    """A pipeline's parts that have weights."""
    return [part for part in pipe.components.values() if isinstance(part, nn.Module)]
