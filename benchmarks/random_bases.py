"""Bases of full size whose transformers have random weights and are on no disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderKLMiniMaxH3,
    AutoencoderKLWan,
    AutoModel,
    MiniMaxH3Transformer3DModel,
    UniPCMultistepScheduler,
    WanPipeline,
    WanTransformer3DModel,
)

from bases.family import Family, Part, frozen
from bases.folder import MODULAR_INDEX
from bases.minimax_h3 import MiniMaxH3
from bases.wan import Wan

_WAN: dict[str, Any] = {"in_channels": 16, "out_channels": 16, "attention_head_dim": 128}
_TOY: dict[str, Any] = {
    **_WAN, "num_attention_heads": 1, "attention_head_dim": 24, "ffn_dim": 48,
    "num_layers": 4, "text_dim": 32, "freq_dim": 16,
}  # fmt: skip
_TOY_H3: dict[str, Any] = {
    "num_attention_heads": 2, "attention_head_dim": 12, "hidden_size": 24, "num_layers": 2,
    "num_refiner_layers": 1, "ffn_dim": 16, "audio_in_channels": 8, "text_dim": 32, "freq_dim": 16,
    "time_embed_hidden_dim": 16, "time_embed_dim": 8, "rope_freq_dim": 2,
}  # fmt: skip


class RandomWeights(Family):
    """A family's base whose transformer, all that is loaded, is made anew.

    Attributes:
        transformer_class: diffusers' own.

    Args:
        source: the folder of a small base, whose configurations are read for the rest.
        shape: the transformer's configuration, where it differs from diffusers' defaults.
    """

    transformer_class: ClassVar[type[Any]]

    def __init__(self, source: Path, shape: dict[str, Any]) -> None:
        super().__init__(source)
        self.shape = shape

    def config(self, part: str) -> dict[str, Any]:
        """See `Family.config`."""
        if not part.startswith("transformer"):
            return AutoModel.load_config(self.source, subfolder=part)
        defaults = self.random_transformer(torch.bfloat16, torch.device("meta")).config
        return {**defaults, "_class_name": self.transformer_class.__name__}

    def load(self, part: Part, *, dtype: torch.dtype, device: torch.device) -> Any:
        """See `Family.load`."""
        return frozen(self.random_transformer(dtype, device), device)

    def random_transformer(self, dtype: torch.dtype, device: torch.device) -> Any:
        """The transformer, made where it is to be, in its precision."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with device:
                return self.transformer_class(**self.shape)
        finally:
            torch.set_default_dtype(before)


class RandomWan(RandomWeights, Wan):
    """A Wan with random weights."""

    transformer_class: ClassVar[type[Any]] = WanTransformer3DModel


class RandomMiniMaxH3(RandomWeights, MiniMaxH3):
    """A MiniMax-H3 with random weights."""

    transformer_class: ClassVar[type[Any]] = MiniMaxH3Transformer3DModel


def write_small_wan(folder: Path) -> None:
    """A Wan's folder, small but for its latents."""
    WanPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=AutoencoderKLWan(base_dim=8, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        transformer=WanTransformer3DModel(**_TOY),
    ).save_pretrained(folder)


def write_small_minimax_h3(folder: Path) -> None:
    """A MiniMax-H3's folder, which has no weights at all."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODULAR_INDEX).write_text(json.dumps({"_class_name": "MiniMaxH3ModularPipeline"}))
    with torch.device("meta"):
        AutoencoderKLMiniMaxH3().save_config(folder / "vae")


@dataclass(frozen=True)
class Size:
    """A base of one size.

    Attributes:
        shape: see `RandomWeights`.
        kind: of a base.
        write: writes the small base that the rest is taken from.
        guidance: that was distilled into it; 0 if none was.
    """

    shape: dict[str, Any]
    kind: Callable[[Path, dict[str, Any]], RandomWeights] = RandomWan
    write: Callable[[Path], None] = write_small_wan
    guidance: float = 0.0

    def make(self, folder: Path) -> RandomWeights:
        """The base; the small one goes into a folder."""
        self.write(folder)
        return self.kind(folder, self.shape)


def _h3(shape: dict[str, Any]) -> Size:
    return Size(shape, RandomMiniMaxH3, write_small_minimax_h3, guidance=4.0)


SIZES = {
    "toy": Size(_TOY),
    "toy h3": _h3(_TOY_H3),
    "1.3b": Size({**_WAN, "num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30}),
    "14b": Size({**_WAN, "num_attention_heads": 40, "ffn_dim": 13824, "num_layers": 40}),
    "h3": _h3({}),
}
"""Wans, and MiniMax-H3."""
