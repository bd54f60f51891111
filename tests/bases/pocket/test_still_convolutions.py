"""Faster convolutions of the VAE give what the slow ones gave."""

from __future__ import annotations

import pytest
import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from bases.pocket.still_convolutions import forget_past, speed_up


def tiny_vae() -> AutoencoderKLWan:
    torch.manual_seed(0)
    return AutoencoderKLWan(
        base_dim=4,
        z_dim=4,
        dim_mult=[1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[True, True],
        patch_size=2,
        in_channels=12,
        out_channels=12,
        scale_factor_spatial=8,
        scale_factor_temporal=4,
    ).eval()


@torch.no_grad()
def round_trip(vae: AutoencoderKLWan, video: Tensor) -> Tensor:
    return vae.decode(vae.encode(video).latent_dist.mode()).sample


@pytest.mark.parametrize("frames", [1, 9])
@pytest.mark.parametrize("forgets", [True, False])
def test_a_fast_vae_gives_what_the_slow_one_gives(forgets: bool, frames: int) -> None:
    vae = tiny_vae()
    if forgets:
        forget_past(vae)
    video = torch.rand(2, 3, frames, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    slow = round_trip(vae, video)
    speed_up(vae)
    fast = round_trip(vae, video.contiguous(memory_format=torch.channels_last_3d))
    torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-5)


def test_without_a_past_later_frames_are_decoded_as_early_ones_are() -> None:
    vae = tiny_vae()
    forget_past(vae)
    still = torch.rand(1, 3, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    held = round_trip(vae, still.expand(-1, -1, 33, -1, -1))
    torch.testing.assert_close(held[:, :, 17:21], held[:, :, 29:33], rtol=1e-4, atol=1e-5)
