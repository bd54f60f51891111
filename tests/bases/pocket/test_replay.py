"""A step's gradients, done anew or replayed."""

from __future__ import annotations

import pytest
import torch
from torch import Generator, Tensor, nn

from bases.pocket.replay import replayed

_ON_GPU = (
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a GPU"),
)


@pytest.mark.parametrize("kind", ["cpu", pytest.param("cuda", marks=_ON_GPU)])
def test_gradients_are_those_of_the_seed_and_of_what_stands_there_now(kind: str) -> None:
    device = torch.device(kind)
    torch.manual_seed(0)
    model, shift = nn.Linear(8, 8).to(device), torch.zeros(8, device=device)

    def work(generator: Generator) -> Tensor:
        seen = torch.randn(4, 8, generator=generator, device=device) + shift
        loss: Tensor = model(seen).square().mean()
        loss.backward()
        return loss.detach()

    def wanted(seed: int) -> tuple[Tensor, ...]:
        model.zero_grad()
        loss = work(Generator(device).manual_seed(seed))
        return loss.clone(), model.weight.grad.clone(), model.bias.grad.clone()  # type: ignore[union-attr]

    again = replayed(model, device, work)
    for seed, moved in ((1, 0.0), (2, 0.0), (1, 3.0)):
        shift.fill_(moved)
        model.zero_grad()
        found = again(seed).clone(), model.weight.grad, model.bias.grad
        gradients = [None if part is None else part.clone() for part in found]
        for got, truth in zip(gradients, wanted(seed), strict=True):
            torch.testing.assert_close(got, truth)
