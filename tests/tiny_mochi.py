"""A Mochi so small that every test can train and render it; its weights are random."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLMochi,
    FlowMatchEulerDiscreteScheduler,
    MochiPipeline,
    MochiTransformer3DModel,
)

from tests.tiny_base import plain_tokenizer, say_clip, tiny_t5


def write_tiny_mochi(folder: Path, *, seed: int = 0) -> Path:
    """Write a whole base in diffusers' layout; another seed gives other weights."""
    tokenizer = plain_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe = MochiPipeline(
            tokenizer=tokenizer,
            text_encoder=tiny_t5(len(tokenizer)),
            vae=AutoencoderKLMochi(
                encoder_block_out_channels=(32, 32, 32, 32),
                decoder_block_out_channels=(32, 32, 32, 32),
                layers_per_block=(1, 1, 1, 1, 1),
            ),
            scheduler=FlowMatchEulerDiscreteScheduler(invert_sigmas=True),
            transformer=MochiTransformer3DModel(
                num_attention_heads=2,
                attention_head_dim=8,
                num_layers=2,
                pooled_projection_dim=16,
                text_embed_dim=32,
                time_embed_dim=4,
                max_sequence_length=16,
            ).eval(),
            force_zeros_for_empty_prompt=True,
        )
    pipe.save_pretrained(folder)
    return say_clip(folder)
