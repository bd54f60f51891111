"""A step's gradients replayed on a GPU as one graph.

A step of Pocket's trainings is thousands of operations that each take a GPU a few microseconds,
less than Python takes to start one. CUDA records them once and starts them all at once after that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn

from bases.pocket.crew import crew_size

_WARM_UP = 3


def replayed(
    model: nn.Module, device: torch.device, work: Callable[[Generator], Any]
) -> Callable[[int], Any]:
    """Work that gives a model its gradients, as a function of a seed.

    On one GPU it is recorded: each call does the same to what stands in the same tensors by then,
    in a new order of chance. Elsewhere it is done anew each time.

    Args:
        model: has no gradients before the work.
        device: where it is.
        work: given a generator on the device gives the model gradients. It must not wait for the
            GPU, and what it returns is overwritten by the next call.
    """
    generator = Generator(device)

    def once(seed: int) -> Any:
        return work(generator.manual_seed(seed))

    if device.type != "cuda" or crew_size() > 1:
        return once
    _warm_up(model, once)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        result = work(generator)
    gradients: list[tuple[nn.Parameter, Tensor | None]] = []
    for parameter in model.parameters():
        gradients.append((parameter, parameter.grad))
        parameter.grad = None

    def again(seed: int) -> Any:
        generator.manual_seed(seed)
        graph.replay()
        for parameter, gradient in gradients:
            parameter.grad = gradient
        return result

    return again


def _warm_up(model: nn.Module, once: Callable[[int], Any]) -> None:
    """Let libraries choose how they compute, which cannot be recorded, beside the usual stream."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for seed in range(_WARM_UP):
            once(seed)
            model.zero_grad()
    torch.cuda.current_stream().wait_stream(aside)
