"""A MiniMax-H3 so small that every test can train and render it; its weights are random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLMiniMaxH3,
    AutoencoderKLMiniMaxH3Audio,
    MiniMaxH3Blocks,
    MiniMaxH3Scheduler,
    MiniMaxH3Transformer3DModel,
)
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2VLImageProcessorPil,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from bases.minimax_h3 import MiniMaxH3
from tests.tiny_base import CHANNELS, FPS, SIZE, STEPS, plain_tokenizer

FRAMES = 124
AUDIO_CHANNELS = 8
_EDGE = 64
_VISION = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


def write_tiny_minimax_h3(folder: Path, *, seed: int = 0, task: str = "t2va") -> Path:
    """Write a whole base in diffusers' modular layout.

    Args:
        folder: where to.
        seed: another one gives other weights.
        task: which of the pipeline's: t2va, of prompts alone, or ref2va, of prompts with pictures.
    """
    tokenizer = plain_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": list(_VISION)})
    transformer = "transformer_ref" if task == "ref2va" else "transformer"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe = MiniMaxH3Blocks().get_workflow(task).init_pipeline()
        pipe.update_components(
            tokenizer=tokenizer,
            text_encoder=_text_encoder(tokenizer),
            vae=_vae(),
            audio_vae=AutoencoderKLMiniMaxH3Audio(
                encoder_dim=4,
                latent_dim=16,
                latent_channels=AUDIO_CHANNELS,
                num_attention_heads=2,
                decoder_dim=128,
                latents_mean=[0.0] * AUDIO_CHANNELS,
                latents_std=[1.0] * AUDIO_CHANNELS,
            ),
            **{transformer: _transformer()},
            scheduler=MiniMaxH3Scheduler(shift=12.0),
            audio_scheduler=MiniMaxH3Scheduler(shift=3.0),
        )
    pipe.register_to_config(reference_image_short_edge=_EDGE)
    pipe.save_pretrained(str(folder), overwrite_modular_index=True)
    images = Qwen2VLImageProcessorPil(
        patch_size=16, size={"shortest_edge": 1024, "longest_edge": 8192}
    )
    images.save_pretrained(folder / "processor")
    clip = {"height": SIZE, "width": SIZE, "frames": FRAMES, "fps": FPS}
    said = {**clip, "steps": STEPS, "guidance": 1.0}
    (folder / "starring.json").write_text(json.dumps(said))
    return folder


def tiny_minimax_h3(folder: Path) -> MiniMaxH3:
    """The same, opened."""
    return MiniMaxH3(write_tiny_minimax_h3(folder))


def check_rows(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Make sure that words and clips have one place, kind and noise level in two sequences."""
    for rows in ("text_indices", "video_indices"):
        for name in ("position_ids", "token_tags"):
            assert torch.equal(ours[name][ours[rows]], theirs[name][theirs[rows]]), name
        levels = [said["timestep"][said["timestep_indices"][said[rows]]] for said in (ours, theirs)]
        torch.testing.assert_close(levels[0], levels[1].to(levels[0]))


def _text_encoder(tokenizer: PreTrainedTokenizerFast) -> Qwen3VLForConditionalGeneration:
    start, end, image, video = tokenizer.convert_tokens_to_ids(list(_VISION))
    return Qwen3VLForConditionalGeneration(
        Qwen3VLConfig(
            image_token_id=image,
            video_token_id=video,
            vision_start_token_id=start,
            vision_end_token_id=end,
            text_config={
                "vocab_size": len(tokenizer),
                "hidden_size": 8,
                "intermediate_size": 8,
                "num_hidden_layers": 51,
                "num_attention_heads": 1,
                "num_key_value_heads": 1,
                "head_dim": 8,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 1e4,
                    "mrope_section": [2, 1, 1],
                },
            },
            vision_config={
                "depth": 1,
                "hidden_size": 8,
                "intermediate_size": 8,
                "num_heads": 1,
                "out_hidden_size": 8,
                "deepstack_visual_indexes": [0],
            },
        )
    )


def _vae() -> AutoencoderKLMiniMaxH3:
    return AutoencoderKLMiniMaxH3(
        latent_channels=CHANNELS,
        block_out_channels=(8, 8, 8, 8, 16),
        spatial_downsample_factors=(2, 2, 2, 2, 1),
        temporal_downsample_factors=(1, 2, 2, 1, 1),
        layers_per_block=1,
        norm_num_groups=4,
        decoder_num_layers=1,
        decoder_num_attention_heads=2,
        decoder_attention_head_dim=8,
        decoder_num_register_tokens=1,
        latents_mean=(0.1, -0.2, 0.3, -0.4),
        latents_std=(0.5, 0.8, 1.2, 1.5),
    )


def _transformer() -> MiniMaxH3Transformer3DModel:
    return MiniMaxH3Transformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        hidden_size=24,
        num_layers=2,
        num_refiner_layers=1,
        ffn_dim=16,
        in_channels=CHANNELS,
        audio_in_channels=AUDIO_CHANNELS,
        text_dim=8,
        freq_dim=16,
        time_embed_hidden_dim=16,
        time_embed_dim=8,
        rope_freq_dim=2,
    ).eval()
