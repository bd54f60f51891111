"""Photos by day as if in another light."""

from __future__ import annotations

import pytest
import torch

from finetune.lights import TINTS, relit


@pytest.mark.parametrize("light", TINTS)
def test_of_each_colour_that_share_is_left(light: str) -> None:
    generator = torch.Generator().manual_seed(0)
    video = torch.rand(1, 3, 2, 4, 4, generator=generator) * 2 - 1
    share = (relit(video, light) + 1) / (video + 1)
    assert torch.allclose(share[0, :, 1, 2, 3], torch.tensor(TINTS[light]), atol=1e-5)
    assert torch.allclose(share.amin((0, 2, 3, 4)), share.amax((0, 2, 3, 4)), atol=1e-4)


def test_night_is_darker_than_dusk_and_bluer() -> None:
    white = torch.ones(1, 3, 1, 1, 1)
    dusk, night = (relit(white, light).flatten() for light in TINTS)
    assert night.mean() < dusk.mean() < 1
    assert dusk.argmax() == 0
    assert night.argmax() == 2


def test_black_stays_black() -> None:
    black = -torch.ones(1, 3, 1, 2, 2)
    assert all(torch.equal(relit(black, light), black) for light in TINTS)
