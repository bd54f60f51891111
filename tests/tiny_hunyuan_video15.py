"""A HunyuanVideo 1.5 so small that every test can train and render it; its weights are random."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo15,
    ClassifierFreeGuidance,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideo15Pipeline,
    HunyuanVideo15Transformer3DModel,
)
from transformers import (
    ByT5Tokenizer,
    PreTrainedTokenizerFast,
    Qwen2_5_VLTextConfig,
    Qwen2_5_VLTextModel,
)

from tests.tiny_base import CHANNELS, plain_tokenizer, say_clip, tiny_t5

_TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"


def write_tiny_hunyuan_video15(folder: Path, *, seed: int = 0) -> Path:
    """Write a whole base in diffusers' layout; another seed gives other weights."""
    tokenizer = plain_tokenizer()
    tokenizer.chat_template = _TEMPLATE
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe = HunyuanVideo15Pipeline(
            tokenizer=tokenizer,
            text_encoder=tiny_qwen(tokenizer),
            tokenizer_2=ByT5Tokenizer(),
            text_encoder_2=tiny_t5(384),
            vae=AutoencoderKLHunyuanVideo15(
                latent_channels=CHANNELS,
                block_out_channels=(8, 8, 8, 8, 8),
                layers_per_block=1,
                spatial_compression_ratio=16,
                temporal_compression_ratio=4,
            ),
            scheduler=FlowMatchEulerDiscreteScheduler(shift=5.0),
            transformer=_transformer(),
            guider=ClassifierFreeGuidance(guidance_scale=3.0),
        )
    pipe.save_pretrained(folder)
    return say_clip(folder)


def tiny_qwen(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLTextModel:
    """A text encoder of 16 numbers a token."""
    return Qwen2_5_VLTextModel(
        Qwen2_5_VLTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            num_key_value_heads=2,
            rope_parameters={"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]},
        )
    )


def _transformer() -> HunyuanVideo15Transformer3DModel:
    return HunyuanVideo15Transformer3DModel(
        in_channels=2 * CHANNELS + 1,
        out_channels=CHANNELS,
        num_attention_heads=2,
        attention_head_dim=12,
        num_layers=2,
        num_refiner_layers=1,
        mlp_ratio=2.0,
        text_embed_dim=16,
        text_embed_2_dim=32,
        image_embed_dim=8,
        rope_axes_dim=(4, 4, 4),
        task_type="t2v",
    ).eval()
