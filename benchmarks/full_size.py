"""Every base that is known by name at its full size, in a folder that has no weights.

The configurations are diffusers' defaults, and where a base differs what its authors publish; that
the numbers add up to what the catalogue says of its size is checked in the tests. Those of LTX-2.3
and 2.5 are LTX-2's with what diffusers has for them, gates and modulated prompts, and not checked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import diffusers
import torch
from safetensors.torch import save_file
from torch import Tensor

from bases.catalogue import Base
from bases.families import family_of
from bases.family import Family
from bases.folder import INDEX, MODULAR_INDEX

WORDS = 512
"""Tokens of a prompt that is not filled up to a length of the base's own."""


@dataclass(frozen=True)
class FullSize:
    """What a base is made of.

    Attributes:
        pipeline: diffusers' class, and so of the transformer, the VAE and the scheduler.
        transformer_class: see `pipeline`.
        vae_class: see `pipeline`.
        prompt: the shape of each of a prompt's conditions, of one prompt.
        transformer: where its configuration differs from diffusers' defaults.
        vae: likewise.
        said: in the pipeline's index, beside the parts.
        parts: its transformers.
        scheduler_class: where the family reads noise levels from it.
    """

    pipeline: str
    transformer_class: str
    vae_class: str
    prompt: dict[str, tuple[int, ...]]
    transformer: dict[str, Any] = field(default_factory=dict)
    vae: dict[str, Any] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    parts: tuple[str, ...] = ("transformer",)
    scheduler_class: str = ""

    def write(self, folder: Path) -> None:
        """A folder in diffusers' layout whose files of weights are empty."""
        kinds = dict.fromkeys(self.parts, (self.transformer_class, self.transformer))
        kinds["vae"] = (self.vae_class, self.vae)
        for part, (kind, settings) in kinds.items():
            with torch.device("meta"):
                getattr(diffusers, kind)(**settings).save_config(folder / part)
            save_file({}, folder / part / "diffusion_pytorch_model.safetensors")
        index = {part: ["diffusers", kind] for part, (kind, _) in kinds.items()}
        if self.scheduler_class:
            getattr(diffusers, self.scheduler_class)().save_pretrained(folder / "scheduler")
            index["scheduler"] = ["diffusers", self.scheduler_class]
        name = MODULAR_INDEX if self.pipeline.endswith("ModularPipeline") else INDEX
        (folder / name).write_text(json.dumps({"_class_name": self.pipeline, **self.said, **index}))


def full_size(name: str, folder: Path) -> Family:
    """A base of `FULL_SIZES`, without weights, written into a folder."""
    FULL_SIZES[name].write(folder)
    return family_of(Base(name, str(folder)))


def prompt_of(name: str) -> dict[str, Tensor]:
    """The conditions of one prompt, all of whose tokens count, (1, ...) each."""
    return {
        said: torch.ones(1, *shape, dtype=torch.bool if "mask" in said else torch.bfloat16)
        for said, shape in FULL_SIZES[name].prompt.items()
    }


def _wan(transformer: dict[str, Any], **more: Any) -> FullSize:
    classes = ("WanPipeline", "WanTransformer3DModel", "AutoencoderKLWan")
    return FullSize(*classes, {"encoder_hidden_states": (512, 4096)}, transformer, **more)


_48_CHANNELS = {"in_channels": 48, "out_channels": 48}
_OF_48 = {"latents_mean": [0.0] * 48, "latents_std": [1.0] * 48}
_H3: dict[str, Any] = {
    "pipeline": "MiniMaxH3ModularPipeline",
    "transformer_class": "MiniMaxH3Transformer3DModel",
    "vae_class": "AutoencoderKLMiniMaxH3",
}


def _ltx2(words: int, sounds: int, **settings: Any) -> FullSize:
    prompt: dict[str, tuple[int, ...]] = {
        "encoder_hidden_states": (1024, words),
        "audio_encoder_hidden_states": (1024, sounds),
        "encoder_attention_mask": (1024,),
        "audio_encoder_attention_mask": (1024,),
    }
    classes = ("LTX2Pipeline", "LTX2VideoTransformer3DModel", "AutoencoderKLLTX2Video")
    return FullSize(*classes, prompt, settings)


def _kandinsky(**settings: Any) -> FullSize:
    return FullSize(
        "Kandinsky5T2VPipeline",
        "Kandinsky5Transformer3DModel",
        "AutoencoderKLHunyuanVideo",
        {"encoder_hidden_states": (WORDS, 3584), "pooled_projections": (768,)},
        {"in_visual_dim": 16, "out_visual_dim": 16, "visual_cond": True, **settings},
    )


def _cogvideox(**settings: Any) -> FullSize:
    return FullSize(
        "CogVideoXPipeline",
        "CogVideoXTransformer3DModel",
        "AutoencoderKLCogVideoX",
        {"encoder_hidden_states": (226, 4096)},
        settings,
        scheduler_class="CogVideoXDDIMScheduler",
    )


_GATED = {
    "gated_attn": True,
    "cross_attn_mod": True,
    "audio_gated_attn": True,
    "audio_cross_attn_mod": True,
    "use_prompt_embeddings": False,
}
_WIDE_COGVIDEOX: dict[str, Any] = {
    "num_layers": 42,
    "num_attention_heads": 48,
    "use_rotary_positional_embeddings": True,
}
FULL_SIZES = {
    "wan2.1-1.3b": _wan({"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30}),
    "wan2.1-14b": _wan({}),
    "wan2.2-5b": _wan(
        {**_48_CHANNELS, "num_attention_heads": 24, "ffn_dim": 14336, "num_layers": 30},
        vae={"z_dim": 48, "scale_factor_spatial": 16, **_OF_48},
        said={"expand_timesteps": True},
    ),
    "wan2.2-a14b": _wan({}, said={"boundary_ratio": 0.875}, parts=("transformer", "transformer_2")),
    "minimax-h3": FullSize(**_H3, prompt={"encoder_hidden_states": (WORDS, 5120)}),
    "ltx-2": _ltx2(3840, 3840),
    "ltx-2.3": _ltx2(4096, 2048, **_GATED),
    "ltx-2.5": _ltx2(4096, 2048, **_GATED),
    "hunyuan-video-1.5": FullSize(
        "HunyuanVideo15Pipeline",
        "HunyuanVideo15Transformer3DModel",
        "AutoencoderKLHunyuanVideo15",
        {
            "encoder_hidden_states": (1000, 3584),
            "encoder_attention_mask": (1000,),
            "encoder_hidden_states_2": (256, 1472),
            "encoder_attention_mask_2": (256,),
        },
    ),
    "hunyuan-video": FullSize(
        "HunyuanVideoPipeline",
        "HunyuanVideoTransformer3DModel",
        "AutoencoderKLHunyuanVideo",
        {
            "encoder_hidden_states": (256, 4096),
            "encoder_attention_mask": (256,),
            "pooled_projections": (768,),
        },
    ),
    "kandinsky-5-lite": _kandinsky(model_dim=1792, ff_dim=7168),
    "kandinsky-5-pro": _kandinsky(
        model_dim=4096,
        ff_dim=16384,
        num_text_blocks=4,
        num_visual_blocks=60,
        time_dim=1024,
        axes_dims=(32, 48, 48),
    ),
    "cogvideox-2b": _cogvideox(),
    "cogvideox-5b": _cogvideox(**_WIDE_COGVIDEOX),
    "cogvideox-1.5-5b": _cogvideox(
        **_WIDE_COGVIDEOX,
        patch_size_t=2,
        patch_bias=False,
        sample_height=300,
        sample_width=300,
        sample_frames=81,
    ),
    "mochi-1": FullSize(
        "MochiPipeline",
        "MochiTransformer3DModel",
        "AutoencoderKLMochi",
        {"encoder_hidden_states": (256, 4096), "encoder_attention_mask": (256,)},
    ),
}
