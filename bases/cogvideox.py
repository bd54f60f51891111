"""CogVideoX and CogVideoX 1.5 text-to-video, in diffusers' layout.

These predict v = a e - s x from a x + s e, where a² + s² = 1 (Salimans and Ho, "Progressive
Distillation", 2022). Divided by a + s that input is a point on flow matching's straight path at
sigma = s / (a + s), and e - x is linear in the input and v; so they are trained as all others are.

Shapes: B clips, C channels, F frames, H rows, W columns; the transformer has F before C.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
    DiffusionPipeline,
    ModelMixin,
)
from torch import Tensor

from bases.family import Family, LatentGrid
from bases.loading import loading
from bases.native import NativeNames


class CogVideoX(Family):
    """A CogVideoX text-to-video checkpoint."""

    pipeline_class: ClassVar[type[DiffusionPipeline]] = CogVideoXPipeline
    vae_class: ClassVar[type[ModelMixin]] = AutoencoderKLCogVideoX
    transformer_class: ClassVar[type[ModelMixin]] = CogVideoXTransformer3DModel
    lora_targets: ClassVar[str] = (
        r"transformer_blocks\.\d+\.(attn1\.(to_q|to_k|to_v|to_out\.0)|ff\.net\.(0\.proj|2))"
    )
    example: ClassVar[str] = """\
tokens = pipe.transformer.config.max_text_seq_length
pipe({clip}, guidance_scale={guidance}, max_sequence_length=tokens)"""
    native: ClassVar[NativeNames] = NativeNames(
        formats=("comfyui", "kohya"),
        read=False,
        pieces=(
            ("transformer_blocks.", "blocks."),
            ("attn1.to_out.0", "attn_out"),
            ("attn1.to_", ""),
            ("ff.net.0.proj", "ff_proj"),
            ("ff.net.2", "ff_out"),
        ),
    )

    @functools.cached_property
    def grid(self) -> LatentGrid:
        """Strides and channels from the VAE's configuration; 1.5 takes latent frames in twos."""
        vae, transformer = self.config("vae"), self.config("transformer")
        spatial = 2 ** (len(vae["block_out_channels"]) - 1)
        return LatentGrid(
            spatial=spatial,
            temporal=vae["temporal_compression_ratio"],
            channels=vae["latent_channels"],
            multiple=spatial * transformer["patch_size"],
            together=transformer.get("patch_size_t") or 1,
        )

    @functools.cached_property
    def _shell(self) -> CogVideoXPipeline:
        """The pipeline with configurations and no weights, for what it makes of sizes."""
        with torch.device("meta"):
            return CogVideoXPipeline(
                tokenizer=None,
                text_encoder=None,
                vae=AutoencoderKLCogVideoX.from_config(self.config("vae")),
                transformer=CogVideoXTransformer3DModel.from_config(self.config("transformer")),
                scheduler=None,
            )

    @functools.cached_property
    def _sigmas(self) -> np.ndarray:
        """The noise level at each of the model's own timesteps, in our count."""
        with loading(self.source):
            scheduler = CogVideoXDDIMScheduler.from_pretrained(self.source, subfolder="scheduler")
        signal = scheduler.alphas_cumprod.double().sqrt()
        noise = (1 - signal.square()).sqrt()
        return np.asarray(noise / (signal + noise))

    @property
    def _prompt_tokens(self) -> int:
        return int(self._shell.transformer.config.max_text_seq_length)

    @torch.no_grad()
    def encode_prompt(self, text: CogVideoXPipeline, prompt: str) -> dict[str, Tensor]:
        """What the pipeline makes of a prompt."""
        hidden, _ = text.encode_prompt(
            prompt, do_classifier_free_guidance=False, max_sequence_length=self._prompt_tokens
        )
        return {"encoder_hidden_states": hidden}

    @torch.no_grad()
    def encode_video(self, vae: AutoencoderKLCogVideoX, video_BCFHW: Tensor) -> Tensor:
        """Latents times the VAE's own scale; where frames are lacking the first is said again.

        The pipeline too fills up at the front, and throws away there what it drew.
        """
        latents = vae.encode(video_BCFHW.to(vae.device, vae.dtype)).latent_dist.mode()
        lacking = -latents.shape[2] % self.grid.together
        first = latents[:, :, :1].expand(-1, -1, lacking, -1, -1)
        return torch.cat([first, latents], dim=2) * vae.config.scaling_factor

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """The input at the model's own scale, its timestep, and where each token lies."""
        timesteps = np.interp(sigmas.cpu(), self._sigmas, np.arange(len(self._sigmas)))
        config, grid = self._shell.transformer.config, self.grid
        frames, height, width = noisy_BCFHW.shape[2:]
        rotary = None
        if config.use_rotary_positional_embeddings:
            rotary = self._shell._prepare_rotary_positional_embeddings(
                height * grid.spatial, width * grid.spatial, frames, noisy_BCFHW.device
            )
        return {
            "hidden_states": own_scale(noisy_BCFHW, sigmas).transpose(1, 2),
            "timestep": torch.from_numpy(timesteps).float().to(noisy_BCFHW.device),
            "image_rotary_emb": rotary,
            **conditions,
        }

    def prediction(self, output: Any, noisy_BCFHW: Tensor, sigmas: Tensor) -> Tensor:
        """From v to e - x: with x = a input - s v and e = s input + a v."""
        v_BCFHW = super().prediction(output, noisy_BCFHW, sigmas).transpose(1, 2).float()
        signal, noise = _shares(sigmas, noisy_BCFHW)
        return (noise - signal) * own_scale(noisy_BCFHW, sigmas) + (noise + signal) * v_BCFHW

    def call_arguments(self, pipe: CogVideoXPipeline, guidance: float) -> dict[str, Any]:
        """Guidance, and how long prompts are padded, which is part of what was learnt."""
        return {"guidance_scale": guidance, "max_sequence_length": self._prompt_tokens}

    def drawn_latents(self, pipe: CogVideoXPipeline, latents_BCFHW: Tensor) -> Tensor:
        """This pipeline has frames before channels."""
        return latents_BCFHW.transpose(1, 2)


def own_scale(noisy_BCFHW: Tensor, sigmas: Tensor) -> Tensor:
    """A point on the straight path, as the model takes it: a x + s e, where a² + s² = 1."""
    signal, noise = _shares(sigmas, noisy_BCFHW)
    return (noisy_BCFHW * (signal + noise)).to(noisy_BCFHW.dtype)


def _shares(sigmas: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """The shares a of the clip and s of the noise, each (B, 1, 1, 1, 1)."""
    level = sigmas.float().view(-1, 1, 1, 1, 1).to(like.device)
    length = (level.square() + (1 - level).square()).sqrt()
    return (1 - level) / length, level / length
