"""CogVideoX so small that every test can train and render it; its weights are random."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    CogVideoXDDIMScheduler,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
)

from tests.tiny_base import SIZE, plain_tokenizer, say_clip, tiny_t5

PROMPT_TOKENS = 48


def write_tiny_cogvideox(folder: Path, *, seed: int = 0, like: str = "2b") -> Path:
    """Write a whole base in diffusers' layout.

    Args:
        folder: where to.
        seed: another one gives other weights.
        like: which CogVideoX it is like: 2b with learnt positions, 5b with rotary ones, or 1.5
            that also takes latent frames in twos.
    """
    tokenizer = plain_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe = CogVideoXPipeline(
            tokenizer=tokenizer,
            text_encoder=tiny_t5(len(tokenizer)),
            vae=_vae(),
            scheduler=CogVideoXDDIMScheduler(
                beta_schedule="scaled_linear",
                clip_sample=False,
                prediction_type="v_prediction",
                rescale_betas_zero_snr=True,
                snr_shift_scale=3.0,
                timestep_spacing="trailing",
            ),
            transformer=_transformer(like),
        )
    pipe.save_pretrained(folder)
    return say_clip(folder)


def _vae() -> AutoencoderKLCogVideoX:
    return AutoencoderKLCogVideoX(
        down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=2,
        scaling_factor=1.15,
    )


def _transformer(like: str) -> CogVideoXTransformer3DModel:
    return CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=4,
        out_channels=4,
        time_embed_dim=8,
        text_embed_dim=32,
        num_layers=2,
        sample_width=SIZE // 8,
        sample_height=SIZE // 8,
        sample_frames=5,
        patch_size_t=2 if like == "1.5" else None,
        patch_bias=like != "1.5",
        max_text_seq_length=PROMPT_TOKENS,
        use_rotary_positional_embeddings=like != "2b",
    ).eval()
