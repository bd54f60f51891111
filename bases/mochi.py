"""Mochi 1 text-to-video, in diffusers' layout.

Shapes: B clips, C channels, F frames, H rows, W columns.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderKLMochi,
    DiffusionPipeline,
    MochiPipeline,
    MochiTransformer3DModel,
    ModelMixin,
)
from torch import Tensor, nn

from bases.family import Family, LatentGrid
from bases.native import NativeNames

TIMESTEPS = 1000
_SPATIAL, _TEMPORAL = 8, 6


class Mochi(Family):
    """A Mochi 1 text-to-video checkpoint, which counts from noise to clip: t = 1 - sigma."""

    pipeline_class: ClassVar[type[DiffusionPipeline]] = MochiPipeline
    vae_class: ClassVar[type[ModelMixin]] = AutoencoderKLMochi
    transformer_class: ClassVar[type[ModelMixin]] = MochiTransformer3DModel
    lora_targets: ClassVar[str] = (
        r"transformer_blocks\.\d+\.("
        r"attn1\.(to_q|to_k|to_v|to_out\.0|add_[qkv]_proj|to_add_out)|"
        r"ff(_context)?\.net\.(0\.proj|2))"
    )
    masks: ClassVar[tuple[str, ...]] = ("encoder_attention_mask",)
    native: ClassVar[NativeNames] = NativeNames(
        formats=("comfyui", "kohya"),
        read=False,
        fused=(
            (("attn1.to_q", "attn1.to_k", "attn1.to_v"), "attn.qkv_x"),
            (("attn1.add_q_proj", "attn1.add_k_proj", "attn1.add_v_proj"), "attn.qkv_y"),
        ),
        swapped=("ff.net.0.proj", "ff_context.net.0.proj"),
        pieces=(
            ("transformer_blocks.", "blocks."),
            ("attn1.to_out.0", "attn.proj_x"),
            ("attn1.to_add_out", "attn.proj_y"),
            ("ff_context.", "mlp_y."),
            ("ff.", "mlp_x."),
            ("net.0.proj", "w1"),
            ("net.2", "w2"),
        ),
    )

    @functools.cached_property
    def grid(self) -> LatentGrid:
        """Strides as the pipeline has them, channels from the VAE's own configuration."""
        return LatentGrid(
            spatial=_SPATIAL,
            temporal=_TEMPORAL,
            channels=self.config("vae")["latent_channels"],
            multiple=2 * _SPATIAL,
        )

    def shell(self, part: str) -> Any:
        """See `Family.shell`; the device of its frequencies must be one that autocast knows."""
        shell = super().shell(part)
        shell.pos_frequencies = nn.Parameter(torch.zeros(shell.pos_frequencies.shape).bfloat16())
        return shell

    @torch.no_grad()
    def encode_prompt(self, text: MochiPipeline, prompt: str) -> dict[str, Tensor]:
        """What the pipeline makes of a prompt; of an empty one, nothing but zeros."""
        hidden, mask, *_ = text.encode_prompt(prompt, do_classifier_free_guidance=False)
        return {"encoder_hidden_states": hidden, "encoder_attention_mask": mask}

    @torch.no_grad()
    def encode_video(self, vae: AutoencoderKLMochi, video_BCFHW: Tensor) -> Tensor:
        """Latents normalised with the VAE's own mean and spread a channel."""
        latents = vae.encode(video_BCFHW.to(vae.device, vae.dtype)).latent_dist.mode()
        mean, std = (
            torch.tensor(numbers).view(1, -1, 1, 1, 1).to(latents)
            for numbers in (vae.config.latents_mean, vae.config.latents_std)
        )
        return (latents - mean) * vae.config.scaling_factor / std

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """What is left of noise, counted backwards in thousandths."""
        timestep = (1 - sigmas.to(noisy_BCFHW.device)) * TIMESTEPS
        return {
            "hidden_states": noisy_BCFHW,
            "timestep": timestep.to(noisy_BCFHW.dtype),
            **conditions,
        }

    def prediction(self, output: Any, noisy_BCFHW: Tensor, sigmas: Tensor) -> Tensor:
        """Mochi predicts x - e."""
        return -super().prediction(output, noisy_BCFHW, sigmas)
