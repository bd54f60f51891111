"""CogVideoX's own coordinates are those of the straight path, whatever precision they come in."""

from __future__ import annotations

import torch

from bases.cogvideox import own_scale


def test_half_precision_rounds_the_result_alone() -> None:
    noisy = torch.randn(64, 4, 2, 4, 4, generator=torch.Generator().manual_seed(0)).bfloat16()
    sigmas = torch.linspace(0.001, 0.999, 64)
    exact = own_scale(noisy.double(), sigmas)
    assert torch.equal(own_scale(noisy, sigmas), exact.bfloat16())


def test_a_scaled_point_has_shares_whose_squares_are_one() -> None:
    sigma = torch.tensor([0.3])
    clip, noise = (own_scale(torch.full((1, 1, 1, 1, 1), x), sigma) for x in (0.7, 0.3))
    torch.testing.assert_close(clip.square() + noise.square(), torch.ones(1, 1, 1, 1, 1))
