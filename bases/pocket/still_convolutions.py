"""Convolutions of Wan's VAE that do not look back, made fast.

A causal convolution over time and space multiplies a still's missing past with zeros, and where its
weights for the past are zero it does so in every clip. Leaving that out gives the same result in a
third of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MethodType
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import (
    WanCausalConv3d,
    WanResample,
    WanRMS_norm,
    patchify,
    unpatchify,
)
from diffusers.models.autoencoders.vae import DecoderOutput
from torch import Tensor, channels_last_3d


def forget_past(vae: AutoencoderKLWan) -> None:
    """Set to zero what the spatial convolutions take from earlier frames.

    Time is then left to the resampling between the VAE's levels, and no frame depends on how long
    the clip has lasted, so that nothing drifts.
    """
    with torch.no_grad():
        for module in _spatial(vae):
            module.weight[:, :, :-1] = 0


def speed_up(vae: AutoencoderKLWan) -> None:
    """Leave out what is multiplied with zeros; weights that are zero now are taken to stay so.

    Where no spatial convolution sees earlier frames, a clip goes through as a whole, instead of
    four frames at a time: with a ninth of the operations, which matters on a GPU.
    """
    for module in _spatial(vae):
        module.sees_past = bool(module.weight[:, :, :-1].any())
        module.forward = MethodType(_convolution, module)
    simple = vae.config.patch_size is not None and not vae.config.is_residual
    if not simple or any(module.sees_past for module in _spatial(vae)):
        return
    for module in vae.modules():
        if isinstance(module, WanResample):
            module.forward = MethodType(_resample, module)
        elif isinstance(module, WanRMS_norm):
            module.forward = MethodType(_norm, module)
    vae._encode, vae._decode = MethodType(_encode, vae), MethodType(_decode, vae)


def _encode(self: AutoencoderKLWan, x: Tensor) -> Tensor:
    patches = patchify(x, self.config.patch_size).contiguous(memory_format=channels_last_3d)
    encoded: Tensor = self.quant_conv(self.encoder(patches))
    return encoded


def _decode(self: AutoencoderKLWan, z: Tensor, return_dict: bool = True) -> Any:
    z = self.post_quant_conv(z.contiguous(memory_format=channels_last_3d))
    decoded = unpatchify(self.decoder(z), self.config.patch_size).clamp(-1, 1)
    return DecoderOutput(decoded) if return_dict else (decoded,)


def _resample(self: WanResample, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Resample a whole clip; its first frame is one frame at every level."""
    first, later = x[:, :, :1], x[:, :, 1:]
    if self.mode == "upsample3d" and later.shape[2]:
        later = self.time_conv(later).unflatten(1, (2, -1))  # (B, 2, C, F, H, W)
        x = torch.cat((first, later.permute(0, 2, 3, 1, 4, 5).flatten(2, 3)), 2)
    count = x.shape[0]
    x = self.resample(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (count, -1)).transpose(1, 2)
    if self.mode == "downsample3d" and later.shape[2]:
        x = torch.cat((x[:, :, :1], self.time_conv(x)), 2)
    return x


def _norm(self: WanRMS_norm, x: Tensor) -> Tensor:
    """Root mean square normalisation over channels, in the type of its input."""
    gain = self.gamma.flatten().to(x.dtype)
    with torch.autocast(x.device.type, enabled=False):
        return F.rms_norm(x.movedim(1, -1), gain.shape, gain, 1e-12).movedim(-1, 1)


def _spatial(vae: AutoencoderKLWan) -> Iterator[WanCausalConv3d]:
    return (
        module
        for module in vae.modules()
        if isinstance(module, WanCausalConv3d) and module.kernel_size != (3, 1, 1)
    )


def _convolution(self: WanCausalConv3d, x: Tensor, cache_x: Tensor | None = None) -> Tensor:
    is_still = x.shape[2] == 1 and cache_x is None
    if self.sees_past and not is_still:
        return WanCausalConv3d.forward(self, x, cache_x)
    frames = x.transpose(1, 2)
    flat = F.conv2d(
        frames.flatten(0, 1),
        self.weight[:, :, -1],
        self.bias,
        padding=(self._padding[2], self._padding[0]),
    )
    return flat.unflatten(0, frames.shape[:2]).transpose(1, 2)
