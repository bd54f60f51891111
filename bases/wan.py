"""Wan 2.1 and 2.2 text-to-video, in diffusers' layout; Pocket is one of these.

Shapes: B clips, C channels, F frames, H rows, W columns, L prompt tokens, D numbers a token.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar, NamedTuple

import torch
from diffusers import (
    AutoencoderKLWan,
    DiffusionPipeline,
    ModelMixin,
    WanPipeline,
    WanTransformer3DModel,
)
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase, UMT5EncoderModel

from bases.family import Expert, Family, LatentGrid, frozen
from bases.folder import check_folder, read_index
from bases.loading import loading
from bases.native import NativeNames

MAX_PROMPT_TOKENS = 512
TIMESTEPS = 1000


class WanText(NamedTuple):
    """Tokenizer and text encoder, which are of no use apart."""

    tokenizer: PreTrainedTokenizerBase
    encoder: UMT5EncoderModel

    @property
    def max_tokens(self) -> int:
        """Every prompt is padded with zeros to this length, in training as in rendering."""
        return longest_prompt(self.tokenizer)


class Wan(Family):
    """A Wan text-to-video checkpoint.

    Which one it is, its own configuration says: 2.1 and 2.2 TI2V-5B have one transformer, and the
    latter wants the noise level of each token; 2.2 A14B has two, for high noise and for low.
    """

    pipeline_class: ClassVar[type[DiffusionPipeline]] = WanPipeline
    vae_class: ClassVar[type[ModelMixin]] = AutoencoderKLWan
    transformer_class: ClassVar[type[ModelMixin]] = WanTransformer3DModel
    float32_parts: ClassVar[tuple[str, ...]] = ("vae",)  # as the pipeline's own guide advises
    lora_targets: ClassVar[str] = (
        r"blocks\.\d+\.(attn[12]\.(to_q|to_k|to_v|to_out\.0)|ffn\.net\.(0\.proj|2))"
    )
    listening: ClassVar[str] = "attn2"
    example: ClassVar[str] = """\
tokens = min(pipe.tokenizer.model_max_length, 512)
pipe({clip}, guidance_scale={guidance}, max_sequence_length=tokens)"""
    native: ClassVar[NativeNames] = NativeNames(
        formats=("comfyui", "kohya"),
        pieces=(
            ("attn1.", "self_attn."),
            ("attn2.", "cross_attn."),
            (".to_out.0", ".o"),
            (".to_", "."),
            (".net.0.proj", ".0"),
            (".net.2", ".2"),
        ),
    )

    @functools.cached_property
    def grid(self) -> LatentGrid:
        """Strides and channels, from the configurations of the VAE and the transformer."""
        vae, transformer = self.config("vae"), self.config("transformer")
        spatial, temporal = vae.get("scale_factor_spatial", 8), vae.get("scale_factor_temporal", 4)
        step = spatial * transformer.get("patch_size", (1, 2, 2))[1]
        return LatentGrid(
            spatial=spatial,
            temporal=temporal,
            channels=vae.get("z_dim", 16),
            multiple=step if step % 16 == 0 else 16,
            longest=(transformer.get("rope_max_seq_len", 1024) - 1) * temporal + 1,
        )

    @functools.cached_property
    def _index(self) -> dict[str, Any]:
        with loading(self.source):
            check_folder(self.source, WanPipeline)
            return read_index(self.source)

    @property
    def experts(self) -> tuple[Expert, ...]:
        """One, or Wan 2.2's two, which meet at the pipeline's own boundary."""
        boundary = self._index.get("boundary_ratio")
        if boundary is None:
            return (Expert(),)
        return (
            Expert("high_noise", "transformer", boundary, 1.0),
            Expert("low_noise", "transformer_2", 0.0, boundary),
        )

    def load_text(self, dtype: torch.dtype, device: torch.device) -> WanText:
        """Tokenizer and text encoder."""
        tokenizer = AutoTokenizer.from_pretrained(self.source, subfolder="tokenizer")
        encoder = UMT5EncoderModel.from_pretrained(
            self.source, subfolder="text_encoder", dtype=dtype
        )
        return WanText(tokenizer, frozen(encoder, device))

    @torch.no_grad()
    def encode_prompt(self, text: WanText, prompt: str) -> dict[str, Tensor]:
        """The prompt's embedding (1, L, D), zero after its last token."""
        return {"encoder_hidden_states": embed_prompts(text, [prompt])}

    @torch.no_grad()
    def encode_video(self, vae: AutoencoderKLWan, video_BCFHW: Tensor) -> Tensor:
        """Latents normalised with the VAE's own mean and spread a channel."""
        video_BCFHW = video_BCFHW.to(vae.device, vae.dtype)
        mean, std = latent_statistics(vae)
        return (vae.encode(video_BCFHW).latent_dist.mode() - mean) / std

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """Wan counts noise in thousandths, 2.2 TI2V once a token, and takes prompts as they are."""
        timestep = sigmas.to(noisy_BCFHW.device) * TIMESTEPS
        if self._index.get("expand_timesteps"):
            tokens = noisy_BCFHW[0, 0, :, ::2, ::2].numel()
            timestep = timestep[:, None].expand(-1, tokens)
        return {"hidden_states": noisy_BCFHW, "timestep": timestep, **conditions}

    def call_arguments(self, pipe: WanPipeline, guidance: float) -> dict[str, Any]:
        """Guidance, and how long prompts are padded, which is part of what was learnt."""
        text = WanText(pipe.tokenizer, pipe.text_encoder)
        return {"guidance_scale": guidance, "max_sequence_length": text.max_tokens}


def longest_prompt(tokenizer: PreTrainedTokenizerBase) -> int:
    """Tokens of a prompt at most."""
    longest: int = min(tokenizer.model_max_length, MAX_PROMPT_TOKENS)
    return longest


def embed_prompts(text: WanText, prompts: list[str]) -> Tensor:
    """What `WanPipeline` makes of prompts: (B, L, D), zero after each prompt's last token."""
    return embed_tokens(text, token_ids(text.tokenizer, prompts))


def token_ids(tokenizer: PreTrainedTokenizerBase, prompts: list[str]) -> Tensor:
    """Prompts as numbers (B, L), padded."""
    ids: Tensor = tokenizer(
        [prompt_clean(prompt) for prompt in prompts],
        padding="max_length",
        max_length=longest_prompt(tokenizer),
        truncation=True,
        return_tensors="pt",
    ).input_ids
    return ids


def embed_tokens(text: WanText, ids: Tensor) -> Tensor:
    """What `WanPipeline` makes of prompts whose `token_ids` are (B, L)."""
    ids = ids.to(text.encoder.device, torch.long)
    mask = (ids != text.tokenizer.pad_token_id).long()
    hidden = text.encoder(ids, mask).last_hidden_state
    return hidden * mask[..., None].to(hidden.dtype)


def latent_statistics(vae: AutoencoderKLWan) -> tuple[Tensor, Tensor]:
    """Mean and spread of the latents, each (1, C, 1, 1, 1)."""
    mean, std = (
        torch.tensor(numbers, device=vae.device, dtype=vae.dtype).view(1, -1, 1, 1, 1)
        for numbers in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, std
