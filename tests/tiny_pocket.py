"""A shape in which Pocket trains in a moment."""

from __future__ import annotations

import torch
from transformers import UMT5Config, UMT5EncoderModel

from bases.pocket.shape import PocketShape
from bases.pocket.tokenizer import train_tokenizer
from bases.wan import WanText

TINY = PocketShape(
    size=16,
    frames=5,
    fps=16,
    vae={
        "base_dim": 4,
        "z_dim": 4,
        "dim_mult": [1, 1, 1],
        "num_res_blocks": 1,
        "temperal_downsample": [True, True],
        "patch_size": 2,
        "in_channels": 12,
        "out_channels": 12,
        "scale_factor_spatial": 8,
        "scale_factor_temporal": 4,
    },
    transformer={
        "patch_size": [1, 1, 1],
        "num_attention_heads": 1,
        "attention_head_dim": 12,
        "in_channels": 4,
        "out_channels": 4,
        "text_dim": 8,
        "freq_dim": 8,
        "ffn_dim": 16,
        "num_layers": 1,
    },
    text={"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2},
)


def tiny_text(seed: int) -> WanText:
    """A text encoder of that shape that has learnt nothing, with the captions' tokenizer."""
    torch.manual_seed(seed)
    tokenizer = train_tokenizer(captions=1000)
    config = UMT5Config(vocab_size=len(tokenizer), dropout_rate=0.0, **TINY.text)
    return WanText(tokenizer, UMT5EncoderModel(config).eval().requires_grad_(False))
