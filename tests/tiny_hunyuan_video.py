"""A HunyuanVideo 1.0 so small that every test can train and render it; its weights are random."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoPipeline,
    HunyuanVideoTransformer3DModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, LlamaConfig, LlamaModel

from tests.tiny_base import CHANNELS, plain_tokenizer, say_clip


def write_tiny_hunyuan_video(folder: Path, *, seed: int = 0) -> Path:
    """Write a whole base in diffusers' layout; another seed gives other weights."""
    tokenizer = plain_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe = HunyuanVideoPipeline(
            tokenizer=tokenizer,
            text_encoder=_llama(len(tokenizer)),
            tokenizer_2=plain_tokenizer(),
            text_encoder_2=tiny_clip(len(tokenizer)),
            vae=AutoencoderKLHunyuanVideo(
                latent_channels=CHANNELS,
                block_out_channels=(8, 8, 8, 8),
                layers_per_block=1,
                norm_num_groups=4,
            ),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
            transformer=_transformer(),
        )
    pipe.save_pretrained(folder)
    return say_clip(folder)


def _llama(vocabulary: int) -> LlamaModel:
    return LlamaModel(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            bos_token_id=None,
            eos_token_id=1,
        )
    )


def tiny_clip(vocabulary: int) -> CLIPTextModel:
    """A text encoder of one vector a prompt, 8 numbers."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=8,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            projection_dim=8,
            bos_token_id=None,
            eos_token_id=1,
        )
    )


def _transformer() -> HunyuanVideoTransformer3DModel:
    return HunyuanVideoTransformer3DModel(
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_attention_heads=2,
        attention_head_dim=10,
        num_layers=2,
        num_single_layers=1,
        num_refiner_layers=1,
        mlp_ratio=2.0,
        patch_size=2,
        patch_size_t=1,
        text_embed_dim=16,
        pooled_projection_dim=8,
        rope_axes_dim=(2, 4, 4),
    ).eval()
