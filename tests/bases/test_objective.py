"""The one convention: sigma = 1 is noise, the target is e - x."""

from __future__ import annotations

import pytest
import torch

from bases.objective import FlowMatching

CLEAN, NOISE = torch.randn(2, 3, 4, 5, 6, 7, generator=torch.Generator().manual_seed(0))


def test_sigma_zero_is_the_clip_and_one_is_the_noise() -> None:
    noisy = FlowMatching().noisy(CLEAN, NOISE, torch.tensor([0.0, 1.0, 0.25]))
    assert torch.equal(noisy[0], CLEAN[0])
    assert torch.equal(noisy[1], NOISE[1])
    torch.testing.assert_close(noisy[2], 0.75 * CLEAN[2] + 0.25 * NOISE[2])


def test_the_target_is_the_slope_of_the_path() -> None:
    objective = FlowMatching()
    low, high = (objective.noisy(CLEAN, NOISE, torch.full((3,), s)) for s in (0.3, 0.7))
    torch.testing.assert_close((high - low) / 0.4, objective.target(CLEAN, NOISE))


def test_the_right_flow_leads_back_to_the_clip() -> None:
    objective, sigmas = FlowMatching(), torch.tensor([0.1, 0.5, 1.0])
    noisy, flow = objective.noisy(CLEAN, NOISE, sigmas), objective.target(CLEAN, NOISE)
    torch.testing.assert_close(objective.clean(noisy, flow, sigmas), CLEAN)


@pytest.mark.parametrize("shift", [1.0, 2.0, 5.0])
def test_the_median_level_is_the_shifted_half(shift: float) -> None:
    sigmas = FlowMatching(shift=shift).sample_sigmas(20_000, torch.Generator().manual_seed(0))
    assert sigmas.min() > 0
    assert sigmas.max() < 1
    assert sigmas.median().item() == pytest.approx(shift / (shift + 1), abs=0.01)


def test_a_larger_spread_reaches_further() -> None:
    narrow, wide = (
        FlowMatching(shift=1.0, spread=spread).sample_sigmas(
            20_000, torch.Generator().manual_seed(0)
        )
        for spread in (0.5, 2.0)
    )
    assert narrow.std() < wide.std()


def test_a_seed_means_one_draw() -> None:
    first, again, other = (
        FlowMatching().sample_sigmas(8, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_even_a_small_batch_sees_little_and_much_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        sigmas = FlowMatching(shift=1.0).sample_sigmas(4, generator)
        assert (sigmas < 0.5).sum() == 2
        assert (sigmas > 0.66).any()
