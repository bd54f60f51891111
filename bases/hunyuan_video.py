"""HunyuanVideo 1.0 text-to-video, in diffusers' layout.

Shapes: B clips, C channels, F frames, H rows, W columns.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    DiffusionPipeline,
    HunyuanVideoPipeline,
    HunyuanVideoTransformer3DModel,
    ModelMixin,
)
from torch import Tensor

from bases.family import Family, LatentGrid
from bases.native import NativeNames
from bases.scaled_vae import encode_scaled

TIMESTEPS = 1000
TRAINING_GUIDANCE = 1.0


class HunyuanVideo(Family):
    """A HunyuanVideo 1.0 text-to-video checkpoint.

    It was distilled to follow a guidance that it is told. Training tells it 1, at which it predicts
    what the data says, without the guidance's push. Its double blocks alone are trained: from
    stills, the single ones would unlearn motion.
    """

    pipeline_class: ClassVar[type[DiffusionPipeline]] = HunyuanVideoPipeline
    vae_class: ClassVar[type[ModelMixin]] = AutoencoderKLHunyuanVideo
    transformer_class: ClassVar[type[ModelMixin]] = HunyuanVideoTransformer3DModel
    takes_negative: ClassVar[bool] = False
    lora_targets: ClassVar[str] = (
        r"transformer_blocks\.\d+\.("
        r"attn\.(to_q|to_k|to_v|to_out\.0|add_[qkv]_proj|to_add_out)|"
        r"ff(_context)?\.net\.(0\.proj|2))"
    )

    native: ClassVar[NativeNames] = NativeNames(
        formats=("comfyui", "kohya"),
        flat=False,
        fused=(
            (("attn.to_q", "attn.to_k", "attn.to_v"), "img_attn_qkv"),
            (("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"), "txt_attn_qkv"),
        ),
        pieces=(
            ("transformer_blocks.", "double_blocks."),
            ("attn.to_out.0", "img_attn_proj"),
            ("attn.to_add_out", "txt_attn_proj"),
            ("ff_context.", "txt_mlp."),
            ("ff.", "img_mlp."),
            ("net.0.proj", "fc1"),
            ("net.2", "fc2"),
        ),
    )

    @functools.cached_property
    def grid(self) -> LatentGrid:
        """Strides and channels, from the VAE's own configuration."""
        vae = self.config("vae")
        return LatentGrid(
            spatial=vae.get("spatial_compression_ratio", 8),
            temporal=vae.get("temporal_compression_ratio", 4),
            channels=vae.get("latent_channels", 16),
            multiple=16,
        )

    @torch.no_grad()
    def encode_prompt(self, text: Any, prompt: str) -> dict[str, Tensor]:
        """What the pipeline makes of a prompt: of Llama with a mask, and of CLIP in one vector."""
        hidden, pooled, mask = text.encode_prompt([prompt])
        return {
            "encoder_hidden_states": hidden,
            "encoder_attention_mask": mask,
            "pooled_projections": pooled,
        }

    def encode_video(self, vae: Any, video_BCFHW: Tensor) -> Tensor:
        """Latents times the VAE's own scale."""
        return encode_scaled(vae, video_BCFHW)

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """Noise counted in thousandths, and so is the guidance that it is told."""
        guidance = noisy_BCFHW.new_full((len(noisy_BCFHW),), TRAINING_GUIDANCE * 1000)
        return {
            "hidden_states": noisy_BCFHW,
            "timestep": sigmas.to(noisy_BCFHW.device) * TIMESTEPS,
            "guidance": guidance,
            **conditions,
        }
