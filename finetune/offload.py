"""The frozen base waits in the machine's memory; each block comes to the GPU when its turn comes.

PyTorch's FSDP does it, made for many GPUs, here in a group of one: it fetches the next block while
the present one computes, and again on the way back, and lets a block go when it is done.
"""

from __future__ import annotations

import atexit
import warnings
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, fully_shard


def offload(transformer: nn.Module, blocks: list[nn.Module], device: torch.device) -> None:
    """Let a frozen transformer on the CPU wait there, and bring what learns to a device.

    Args:
        transformer: with its LoRA layers.
        blocks: of the transformer; what is not in them is on the device together.
        device: where the transformer computes.
    """
    learning = {weight for weight in transformer.parameters() if weight.requires_grad}
    for weight in learning:
        weight.data = weight.data.to(device)
    # It warns of writing into what the transformer returns, which no loss does.
    warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view tensor")
    policy = CPUOffloadPolicy(pin_memory=device.type == "cuda")
    mesh = _mesh_of_one(device)
    for module in (*blocks, transformer):
        fully_shard(module, mesh=mesh, offload_policy=policy, ignored_params=learning)
    _stay(transformer)


def _stay(transformer: Any) -> None:
    """Leave the transformer where it is when a trainer or a pipeline moves all that it holds."""
    transformer._apply = lambda *_, **__: transformer


def _mesh_of_one(device: torch.device) -> DeviceMesh:
    """This process's device, as a group that has no other."""
    if not dist.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        store = dist.HashStore()  # type: ignore[attr-defined]
        dist.init_process_group(backend, store=store, rank=0, world_size=1)
        atexit.register(dist.destroy_process_group)
    return init_device_mesh(device.type, (1,))
