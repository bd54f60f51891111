"""HunyuanVideo 1.5 text-to-video, in diffusers' layout.

Shapes: B clips, C channels, F frames, H rows, W columns.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo15,
    DiffusionPipeline,
    HunyuanVideo15Pipeline,
    HunyuanVideo15Transformer3DModel,
    ModelMixin,
)
from torch import Tensor

from bases.family import Family, LatentGrid
from bases.native import NativeNames
from bases.scaled_vae import encode_scaled

TIMESTEPS = 1000
IMAGE_TOKENS = 729
_CONDITIONS = (
    "encoder_hidden_states",
    "encoder_attention_mask",
    "encoder_hidden_states_2",
    "encoder_attention_mask_2",
)


class HunyuanVideo15(Family):
    """A HunyuanVideo 1.5 text-to-video checkpoint.

    Its transformer sees the noisy latents beside those of a first frame and a mask of what is
    given, all of them zero for text alone, and zeros for a picture's embedding.
    """

    pipeline_class: ClassVar[type[DiffusionPipeline]] = HunyuanVideo15Pipeline
    vae_class: ClassVar[type[ModelMixin]] = AutoencoderKLHunyuanVideo15
    transformer_class: ClassVar[type[ModelMixin]] = HunyuanVideo15Transformer3DModel
    lora_targets: ClassVar[str] = (
        r"transformer_blocks\.\d+\.("
        r"attn\.(to_q|to_k|to_v|to_out\.0|add_[qkv]_proj|to_add_out)|"
        r"ff(_context)?\.net\.(0\.proj|2))"
    )
    masks: ClassVar[tuple[str, ...]] = ("encoder_attention_mask", "encoder_attention_mask_2")
    native: ClassVar[NativeNames] = NativeNames(
        formats=("comfyui", "kohya"),
        read=False,
        fused=(
            (("attn.to_q", "attn.to_k", "attn.to_v"), "img_attn.qkv"),
            (("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"), "txt_attn.qkv"),
        ),
        pieces=(
            ("transformer_blocks.", "double_blocks."),
            ("attn.to_out.0", "img_attn.proj"),
            ("attn.to_add_out", "txt_attn.proj"),
            ("ff_context.net.", "txt_mlp."),
            ("ff.net.", "img_mlp."),
            ("mlp.0.proj", "mlp.0"),
        ),
    )

    example: ClassVar[str] = """\
pipe.guider = pipe.guider.new(guidance_scale={guidance})
pipe({clip})"""

    @functools.cached_property
    def grid(self) -> LatentGrid:
        """Strides and channels, from the VAE's own configuration."""
        vae = self.config("vae")
        spatial = vae.get("spatial_compression_ratio", 16)
        return LatentGrid(
            spatial=spatial,
            temporal=vae.get("temporal_compression_ratio", 4),
            channels=vae.get("latent_channels", 32),
            multiple=spatial,
        )

    @functools.cached_property
    def _image_size(self) -> int:
        """Numbers a token of a picture's embedding."""
        return int(self.config("transformer")["image_embed_dim"])

    def load_text(self, dtype: torch.dtype, device: torch.device) -> HunyuanVideo15Pipeline:
        """The pipeline without the rest; what it asks of the VAE, a shell without weights knows."""
        with torch.device("meta"):
            shell = AutoencoderKLHunyuanVideo15.from_config(self.config("vae"))
        text = HunyuanVideo15Pipeline.from_pretrained(
            self.source, dtype=dtype, transformer=None, vae=shell
        )
        text.vae = None
        return text.to(device)

    @torch.no_grad()
    def encode_prompt(self, text: Any, prompt: str) -> dict[str, Tensor]:
        """What the pipeline makes of a prompt: that of both encoders, each with its mask."""
        encoded = text.encode_prompt(prompt=[prompt], batch_size=1)
        return dict(zip(_CONDITIONS, encoded, strict=True))

    def encode_video(self, vae: Any, video_BCFHW: Tensor) -> Tensor:
        """Latents times the VAE's own scale."""
        return encode_scaled(vae, video_BCFHW)

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """The noisy latents with nothing given beside them, noise counted in thousandths."""
        nothing = torch.zeros_like(noisy_BCFHW)
        return {
            "hidden_states": torch.cat([noisy_BCFHW, nothing, nothing[:, :1]], dim=1),
            "timestep": (sigmas.to(noisy_BCFHW.device) * TIMESTEPS).to(noisy_BCFHW.dtype),
            "image_embeds": noisy_BCFHW.new_zeros(len(noisy_BCFHW), IMAGE_TOKENS, self._image_size),
            **conditions,
        }

    def call_arguments(self, pipe: HunyuanVideo15Pipeline, guidance: float) -> dict[str, Any]:
        """Nothing; guidance is a part of this pipeline, which is set instead."""
        pipe.guider = pipe.guider.new(guidance_scale=guidance)
        return {}
