"""Kandinskys so small that every test can train and render them; their weights are random."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    FlowMatchEulerDiscreteScheduler,
    Kandinsky5T2VPipeline,
    Kandinsky5Transformer3DModel,
    Kandinsky6TI2VAPipeline,
    Kandinsky6Transformer3DModel,
    ModelMixin,
)

from tests.tiny_base import CHANNELS, plain_tokenizer, say_clip
from tests.tiny_hunyuan_video import tiny_clip
from tests.tiny_hunyuan_video15 import tiny_qwen


def write_tiny_kandinsky(folder: Path, *, seed: int = 0, version: int = 5) -> Path:
    """Write a whole base in diffusers' layout; another seed gives other weights."""
    tokenizer = plain_tokenizer()
    pipeline = Kandinsky5T2VPipeline if version == 5 else Kandinsky6TI2VAPipeline
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe = pipeline(
            transformer=_transformer(version),
            vae=AutoencoderKLHunyuanVideo(
                latent_channels=CHANNELS,
                block_out_channels=(8, 8, 8, 8),
                layers_per_block=1,
                norm_num_groups=4,
            ),
            text_encoder=tiny_qwen(tokenizer),
            tokenizer=tokenizer,
            text_encoder_2=tiny_clip(len(tokenizer)),
            tokenizer_2=plain_tokenizer(),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=5.0),
        )
        _wake(pipe.transformer)
    pipe.save_pretrained(folder)
    return say_clip(folder)


_SIZES: dict[str, Any] = {
    "in_visual_dim": CHANNELS,
    "out_visual_dim": CHANNELS,
    "in_text_dim": 16,
    "in_text_dim2": 8,
    "time_dim": 8,
    "model_dim": 24,
    "ff_dim": 16,
    "num_text_blocks": 1,
    "num_visual_blocks": 2,
    "axes_dims": (4, 4, 4),
    "visual_cond": True,
}


def _transformer(version: int) -> ModelMixin:
    if version == 5:
        return Kandinsky5Transformer3DModel(**_SIZES, attention_type="regular").eval()
    return Kandinsky6Transformer3DModel(**_SIZES, axes_dims_a=(12,)).eval()


def _wake(transformer: torch.nn.Module) -> None:
    """Modulations begin at zero, which would hide every block."""
    for weight in transformer.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.2)
