"""LTX-2, 2.3 and 2.5 text-to-video, in diffusers' layout: the video branch alone.

Shapes: B clips, C channels, F frames, H rows, W columns, S video tokens (F × H × W).
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderKLLTX2Video,
    DiffusionPipeline,
    LTX2Pipeline,
    LTX2VideoTransformer3DModel,
    ModelMixin,
)
from torch import Tensor

from bases.family import Family, LatentGrid
from bases.native import NativeNames

TIMESTEPS = 1000


class LTX2(Family):
    """An LTX-2 text-to-video checkpoint.

    Photos are silent, so that training turns the exchange between video and sound off and hands the
    sound's branch one empty token; nothing of that branch is trained.
    """

    pipeline_class: ClassVar[type[DiffusionPipeline]] = LTX2Pipeline
    vae_class: ClassVar[type[ModelMixin]] = AutoencoderKLLTX2Video
    transformer_class: ClassVar[type[ModelMixin]] = LTX2VideoTransformer3DModel
    not_text: ClassVar[tuple[str, ...]] = (
        "transformer", "vae", "audio_vae", "vocoder", "prompt_enhancer", "processor",
        "duration_head",
    )  # fmt: skip
    native: ClassVar[NativeNames] = NativeNames(formats=("comfyui", "kohya"), flat=False)
    lora_targets: ClassVar[str] = (
        r"transformer_blocks\.\d+\.(attn[12]\.(to_q|to_k|to_v|to_out\.0)|ff\.net\.(0\.proj|2))"
    )

    @functools.cached_property
    def grid(self) -> LatentGrid:
        """Strides and channels, from the VAE's own configuration."""
        config = self.config("vae")
        with torch.device("meta"):
            vae = AutoencoderKLLTX2Video.from_config(config)
        spatial = int(vae.spatial_compression_ratio)
        return LatentGrid(
            spatial=spatial,
            temporal=int(vae.temporal_compression_ratio),
            channels=config["latent_channels"],
            multiple=max(spatial, 32),
        )

    @functools.cached_property
    def _audio_channels(self) -> int:
        return int(self.config("transformer")["audio_in_channels"])

    @torch.no_grad()
    def encode_prompt(self, text: LTX2Pipeline, prompt: str) -> dict[str, Tensor]:
        """What the pipeline's encoder and connectors make of a prompt, for video and for sound."""
        hidden, mask, *_ = text.encode_prompt(prompt, do_classifier_free_guidance=False)
        video, audio, mask = text.connectors(hidden, mask, padding_side=text.tokenizer.padding_side)
        return {
            "encoder_hidden_states": video,
            "audio_encoder_hidden_states": audio,
            "encoder_attention_mask": mask,
            "audio_encoder_attention_mask": mask,
        }

    @torch.no_grad()
    def encode_video(self, vae: AutoencoderKLLTX2Video, video_BCFHW: Tensor) -> Tensor:
        """Latents normalised with the VAE's own mean and spread a channel."""
        latents = vae.encode(video_BCFHW.to(vae.device, vae.dtype)).latent_dist.mode()
        return normalised(vae, latents)

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """One token a latent cell, noise counted in thousandths, and no sound."""
        count, _, frames, height, width = noisy_BCFHW.shape
        timestep = sigmas.to(noisy_BCFHW.device) * TIMESTEPS
        return {
            "hidden_states": LTX2Pipeline._pack_latents(noisy_BCFHW),
            "audio_hidden_states": noisy_BCFHW.new_zeros(count, 1, self._audio_channels),
            "timestep": timestep,
            "sigma": timestep,
            "num_frames": frames,
            "height": height,
            "width": width,
            "audio_num_frames": 1,
            "isolate_modalities": True,
            **conditions,
        }

    def prediction(self, output: Any, noisy_BCFHW: Tensor, sigmas: Tensor) -> Tensor:
        """LTX-2 predicts e - x itself, token by token."""
        tokens_BSC = output.sample if hasattr(output, "sample") else output[0]
        return LTX2Pipeline._unpack_latents(tokens_BSC, *noisy_BCFHW.shape[2:])

    def drawn_latents(self, pipe: LTX2Pipeline, latents_BCFHW: Tensor) -> Tensor:
        """This pipeline gives latents as its VAE takes them."""
        return normalised(pipe.vae, latents_BCFHW)


def normalised(vae: AutoencoderKLLTX2Video, latents_BCFHW: Tensor) -> Tensor:
    """The VAE's latents with zero mean and unit spread a channel."""
    return LTX2Pipeline._normalize_latents(
        latents_BCFHW, vae.latents_mean, vae.latents_std, vae.config.scaling_factor
    )
