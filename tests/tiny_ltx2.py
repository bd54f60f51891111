"""An LTX-2 so small that every test can train and render it; its weights are random."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLLTX2Audio,
    AutoencoderKLLTX2Video,
    FlowMatchEulerDiscreteScheduler,
    LTX2Pipeline,
    LTX2VideoTransformer3DModel,
)
from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

from tests.tiny_base import CHANNELS, plain_tokenizer, say_clip

_TEXT, _LAYERS, _TOKENS = 16, 2, 64


def write_tiny_ltx2(folder: Path, *, seed: int = 0, like: str = "2") -> Path:
    """Write a whole base in diffusers' layout.

    Args:
        folder: where to.
        seed: another one gives other weights.
        like: which it is like: 2, 2.3 whose attention is gated and prompts are modulated, or 2.5.
    """
    tokenizer = plain_tokenizer()
    tokenizer.padding_side = "left"
    audio_vae = _audio_vae()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe = LTX2Pipeline(
            tokenizer=tokenizer,
            text_encoder=_text_encoder(len(tokenizer)),
            connectors=_connectors(like),
            vae=_vae(),
            audio_vae=audio_vae,
            vocoder=_vocoder(audio_vae),
            scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
            transformer=_transformer(like),
        )
    pipe.vae.latents_mean.copy_(torch.linspace(-0.3, 0.3, CHANNELS))
    pipe.vae.latents_std.copy_(torch.linspace(0.6, 1.4, CHANNELS))
    pipe.save_pretrained(folder)
    return say_clip(folder)


def _text_encoder(vocabulary: int) -> Gemma3ForConditionalGeneration:
    text = {
        "vocab_size": vocabulary,
        "hidden_size": _TEXT,
        "intermediate_size": 16,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
    }
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 16,
    }
    return Gemma3ForConditionalGeneration(
        Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    )


def _connectors(like: str) -> LTX2TextConnectors:
    new = like != "2"
    return LTX2TextConnectors(
        caption_channels=_TEXT,
        text_proj_in_factor=_LAYERS + 1,
        video_connector_num_attention_heads=4,
        video_connector_attention_head_dim=4,
        video_connector_num_layers=1,
        video_connector_num_learnable_registers=None,
        audio_connector_num_attention_heads=4,
        audio_connector_attention_head_dim=2 if new else 4,
        audio_connector_num_layers=1,
        audio_connector_num_learnable_registers=None,
        connector_rope_base_seq_len=32,
        rope_double_precision=False,
        rope_type="split",
        per_modality_projections=new,
        video_hidden_dim=16,
        audio_hidden_dim=8,
        video_gated_attn=new,
        audio_gated_attn=new,
    )


def _vae() -> AutoencoderKLLTX2Video:
    return AutoencoderKLLTX2Video(
        latent_channels=CHANNELS,
        block_out_channels=(8,),
        down_block_types=("LTX2VideoDownBlock3D",),
        decoder_block_out_channels=(8,),
        layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1),
        spatio_temporal_scaling=(True,),
        decoder_spatio_temporal_scaling=(True,),
        decoder_inject_noise=(False, False),
        downsample_type=("spatiotemporal",),
        upsample_type=("spatiotemporal",),
        upsample_residual=(False,),
        upsample_factor=(1,),
        patch_size=4,
    )


def _audio_vae() -> AutoencoderKLLTX2Audio:
    return AutoencoderKLLTX2Audio(
        base_channels=4,
        ch_mult=(1,),
        num_res_blocks=1,
        resolution=32,
        latent_channels=2,
        mel_bins=8,
    )


def _vocoder(audio_vae: AutoencoderKLLTX2Audio) -> LTX2Vocoder:
    return LTX2Vocoder(
        in_channels=audio_vae.config.output_channels * audio_vae.config.mel_bins,
        hidden_channels=8,
        upsample_kernel_sizes=[4, 4],
        upsample_factors=[2, 2],
        resnet_kernel_sizes=[3],
        resnet_dilations=[[1, 3, 5]],
        output_sampling_rate=16_000,
    )


_NEW: dict[str, dict[str, bool]] = {
    "2": {},
    "2.3": {
        "gated_attn": True,
        "cross_attn_mod": True,
        "audio_gated_attn": True,
        "audio_cross_attn_mod": True,
        "use_prompt_embeddings": False,
        "perturbed_attn": True,
    },
}
_NEW["2.5"] = _NEW["2.3"] | {
    "ff_bias": False,
    "audio_ff_bias": False,
    "use_prompt_adaln_single": False,
    "use_keyframes_abs_pos_embedding": True,
}


def _transformer(like: str) -> LTX2VideoTransformer3DModel:
    return LTX2VideoTransformer3DModel(
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        num_attention_heads=2,
        attention_head_dim=8,
        cross_attention_dim=16,
        audio_in_channels=4,
        audio_out_channels=4,
        audio_num_attention_heads=2,
        audio_attention_head_dim=4,
        audio_cross_attention_dim=8,
        num_layers=2,
        caption_channels=_TEXT,
        rope_double_precision=False,
        rope_type="split",
        **_NEW[like],
    ).eval()
