"""Wan 2.1 text-to-video, in diffusers' layout; Pocket is one of these.

Shapes: B clips, C channels, F frames, H rows, W columns, L prompt tokens, D numbers a token.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from diffusers import AutoencoderKLWan, DiffusionPipeline, WanPipeline, WanTransformer3DModel
from diffusers.pipelines.wan.pipeline_wan import prompt_clean
from diffusers.schedulers import UniPCMultistepScheduler
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, UMT5EncoderModel

from bases.errors import BrokenBase
from bases.family import Family, LatentGrid, Part
from bases.loading import loading

MAX_PROMPT_TOKENS = 512
TIMESTEPS = 1000
_PARTS = ("tokenizer", "text_encoder", "vae", "transformer", "scheduler")
_SETTINGS = (
    "tokenizer/tokenizer_config.json",
    "scheduler/scheduler_config.json",
    *(f"{part}/config.json" for part in ("text_encoder", "vae", "transformer")),
)
_VOCABULARIES = ("tokenizer.json", "spiece.model", "vocab.json")


class WanText(NamedTuple):
    """Tokenizer and text encoder, which are of no use apart."""

    tokenizer: PreTrainedTokenizerBase
    encoder: UMT5EncoderModel

    @property
    def max_tokens(self) -> int:
        """Every prompt is padded with zeros to this length, in training as in rendering."""
        return min(self.tokenizer.model_max_length, MAX_PROMPT_TOKENS)


class Wan(Family):
    """A Wan 2.1 text-to-video checkpoint."""

    pipeline_class: ClassVar[type[DiffusionPipeline]] = WanPipeline
    lora_targets: ClassVar[str] = (
        r"blocks\.\d+\.(attn[12]\.(to_q|to_k|to_v|to_out\.0)|ffn\.net\.(0\.proj|2))"
    )

    @functools.cached_property
    def grid(self) -> LatentGrid:
        """Strides and channels, from the configurations of the VAE and the transformer."""
        with loading(self.source):
            check_folder(self.source)
            vae = AutoencoderKLWan.load_config(self.source, subfolder="vae")
            transformer = WanTransformer3DModel.load_config(self.source, subfolder="transformer")
        spatial = vae.get("scale_factor_spatial", 8)
        step = spatial * transformer.get("patch_size", (1, 2, 2))[1]
        return LatentGrid(
            spatial=spatial,
            temporal=vae.get("scale_factor_temporal", 4),
            channels=vae.get("z_dim", 16),
            multiple=step if step % 16 == 0 else 16,
        )

    def load(self, part: Part, *, dtype: torch.dtype, device: torch.device) -> Any:
        """Load one part, frozen and in evaluation mode; see `Family.load`."""
        with loading(self.source):
            check_folder(self.source)
            return self._load(part, dtype, device)

    def _load(self, part: Part, dtype: torch.dtype, device: torch.device) -> Any:
        if part == "scheduler":
            return UniPCMultistepScheduler.from_pretrained(self.source, subfolder="scheduler")
        if part == "text":
            tokenizer = AutoTokenizer.from_pretrained(self.source, subfolder="tokenizer")
            encoder = UMT5EncoderModel.from_pretrained(
                self.source, subfolder="text_encoder", dtype=dtype
            )
            return WanText(tokenizer, _frozen(encoder, device))
        kind = {"vae": AutoencoderKLWan, "transformer": WanTransformer3DModel}[part]
        model = kind.from_pretrained(self.source, subfolder=part, dtype=dtype)
        return _frozen(model, device)

    @torch.no_grad()
    def encode_prompts(self, text: WanText, prompts: list[str]) -> dict[str, Tensor]:
        """Prompt embeddings (B, L, D), zero after each prompt's last token."""
        return {"encoder_hidden_states": embed_prompts(text, prompts)}

    @torch.no_grad()
    def encode_video(self, vae: AutoencoderKLWan, video_BCFHW: Tensor) -> Tensor:
        """Latents normalised with the VAE's own mean and spread a channel."""
        video_BCFHW = video_BCFHW.to(vae.device, vae.dtype)
        mean, std = latent_statistics(vae)
        return (vae.encode(video_BCFHW).latent_dist.mode() - mean) / std

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """Wan counts noise in thousandths and takes prompts as they are."""
        timestep = sigmas.to(noisy_BCFHW.device) * TIMESTEPS
        return {"hidden_states": noisy_BCFHW, "timestep": timestep, **conditions}

    def prediction(self, output: Any, noisy_BCFHW: Tensor) -> Tensor:
        """Wan predicts e - x itself."""
        return output.sample if hasattr(output, "sample") else output[0]

    def pipeline(
        self, *, dtype: torch.dtype, device: torch.device, transformer: nn.Module | None = None
    ) -> WanPipeline:
        """Diffusers' `WanPipeline`, its VAE in float32 as the pipeline's own guide advises."""
        parts = {"transformer": transformer} if transformer is not None else {}
        dtypes = {"vae": torch.float32, "default": dtype}
        with loading(self.source):
            check_folder(self.source)
            return WanPipeline.from_pretrained(self.source, dtype=dtypes, **parts).to(device)

    def call_arguments(self, pipe: WanPipeline) -> dict[str, Any]:
        """How long prompts are padded, which is part of what the transformer learnt."""
        return {"max_sequence_length": WanText(pipe.tokenizer, pipe.text_encoder).max_tokens}


def embed_prompts(text: WanText, prompts: list[str]) -> Tensor:
    """What `WanPipeline` makes of prompts: (B, L, D), zero after each prompt's last token."""
    tokens = text.tokenizer(
        [prompt_clean(prompt) for prompt in prompts],
        padding="max_length",
        max_length=text.max_tokens,
        truncation=True,
        return_attention_mask=True,
        return_tensors="pt",
    ).to(text.encoder.device)
    hidden = text.encoder(tokens.input_ids, tokens.attention_mask).last_hidden_state
    return hidden * tokens.attention_mask[..., None].to(hidden.dtype)


def latent_statistics(vae: AutoencoderKLWan) -> tuple[Tensor, Tensor]:
    """Mean and spread of the latents, each (1, C, 1, 1, 1)."""
    mean, std = (
        torch.tensor(numbers, device=vae.device, dtype=vae.dtype).view(1, -1, 1, 1, 1)
        for numbers in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, std


def check_folder(source: str) -> None:
    """Say which parts of a local base are missing; a hub name passes.

    Raises:
        BrokenBase: if `source` is a folder that is no complete Wan pipeline.
    """
    folder = Path(source)
    if not folder.is_dir():
        return
    index = folder / "model_index.json"
    missing = [name for name in _PARTS if not (folder / name).is_dir()]
    if not index.is_file():
        missing.insert(0, index.name)
    if missing:
        raise BrokenBase(
            f"The base in {source!r} lacks {', '.join(missing)}. A base in diffusers' layout has "
            f"model_index.json and the folders {', '.join(_PARTS)}: copy or download it again."
        )
    _check_weights(folder)
    said = json.loads(index.read_text())
    name = said.get("_class_name") if isinstance(said, dict) else said
    if name != WanPipeline.__name__:
        raise BrokenBase(
            f"The base in {source!r} is made for {name!r}, not for WanPipeline. "
            "Give a Wan 2.1 text-to-video checkpoint in diffusers' layout."
        )


def _check_weights(folder: Path) -> None:
    lost = [name for name in _SETTINGS if not (folder / name).is_file()]
    if not any((folder / "tokenizer" / name).is_file() for name in _VOCABULARIES):
        lost.append("tokenizer/tokenizer.json")
    for part in ("text_encoder", "vae", "transformer"):
        lost += _lost_weights(folder, part)
    if lost:
        raise BrokenBase(
            f"The base in {str(folder)!r} lacks {', '.join(lost)}: copy or download it again."
        )


def _lost_weights(folder: Path, part: str) -> list[str]:
    """The files of a part's weights that are missing or cut short."""
    files = {path.name for path in (folder / part).glob("*.safetensors")}
    for index in (folder / part).glob("*.safetensors.index.json"):
        files |= set(json.loads(index.read_text())["weight_map"].values())
    names = [f"{part}/{name}" for name in sorted(files or {"*.safetensors"})]
    return [name for name in names if not _is_whole(folder / name)]


def _is_whole(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt"):
            return True
    except (OSError, SafetensorError):
        return False


def _frozen(model: nn.Module, device: torch.device) -> nn.Module:
    return model.to(device).eval().requires_grad_(False)
