"""Wans so small that every test can train and render them; their weights are random."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

from bases.pocket.tokenizer import train_tokenizer

SIZE, FRAMES, FPS, STEPS = 32, 5, 16, 2
CHANNELS = 4
BOUNDARY = 0.875


def write_tiny_base(folder: Path, *, seed: int = 0, like: str = "2.1") -> Path:
    """Write a whole base in diffusers' layout.

    Args:
        folder: where to.
        seed: another one gives other weights.
        like: which Wan it is like: 2.1, 2.2-5b with the noise level of each token, or 2.2-a14b
            with two experts.
    """
    tokenizer = train_tokenizer(captions=100, vocabulary=320)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipe = WanPipeline(
            tokenizer=tokenizer,
            text_encoder=_text_encoder(len(tokenizer)),
            vae=_vae(),
            scheduler=UniPCMultistepScheduler(
                prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
            ),
            transformer=_transformer(),
            transformer_2=_transformer() if like == "2.2-a14b" else None,
            boundary_ratio=BOUNDARY if like == "2.2-a14b" else None,
            expand_timesteps=like == "2.2-5b",
        )
    pipe.save_pretrained(folder)
    return say_clip(folder)


def say_clip(folder: Path) -> Path:
    """Write which clips the base in a folder draws."""
    clip = {"height": SIZE, "width": SIZE, "frames": FRAMES, "fps": FPS}
    (folder / "starring.json").write_text(json.dumps({**clip, "steps": STEPS, "guidance": 3.0}))
    return folder


def plain_tokenizer() -> PreTrainedTokenizerFast:
    """One token a byte."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        special_tokens=["<pad>", "</s>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([""], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>")


def tiny_t5(vocabulary: int) -> T5EncoderModel:
    """A text encoder of 32 numbers a token."""
    return T5EncoderModel(
        T5Config(vocab_size=vocabulary, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=4)
    )


def _text_encoder(vocabulary: int) -> UMT5EncoderModel:
    return UMT5EncoderModel(
        UMT5Config(
            vocab_size=vocabulary,
            d_model=32,
            d_kv=8,
            d_ff=37,
            num_layers=2,
            num_heads=4,
            dropout_rate=0.0,
        )
    )


def _vae() -> AutoencoderKLWan:
    return AutoencoderKLWan(
        base_dim=8,
        z_dim=CHANNELS,
        dim_mult=[1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[True, True],
        patch_size=2,
        in_channels=12,
        out_channels=12,
        scale_factor_spatial=8,
        scale_factor_temporal=4,
        latents_mean=[0.1, -0.2, 0.3, -0.4],
        latents_std=[0.5, 0.8, 1.2, 1.5],
    )


def _transformer() -> WanTransformer3DModel:
    model = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        text_dim=32,
        freq_dim=32,
        ffn_dim=48,
        num_layers=2,
        rope_max_seq_len=32,
    )
    for weight in model.parameters():
        if weight.ndim > 1 and not weight.any():
            torch.nn.init.normal_(weight, std=0.05)
    return model.eval()
