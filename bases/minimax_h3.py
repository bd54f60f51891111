"""MiniMax-H3 text-to-video, in diffusers' modular layout: its video alone, without sound.

The model takes prompt, sound and clip as one packed sequence, so that one example goes through it
at a time. Its weights were distilled to draw what guidance would have drawn: it takes none.

Shapes: B clips, C channels, F frames, H rows, W columns, S video rows of the packed sequence.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from diffusers import (
    AutoencoderKLMiniMaxH3,
    MiniMaxH3ModularPipeline,
    MiniMaxH3Transformer3DModel,
    ModelMixin,
    ModularPipeline,
)
from diffusers.modular_pipelines.minimax_h3.before_denoise import (
    MiniMaxH3PrepareLayoutStep,
    patchify_video_latents,
)
from diffusers.modular_pipelines.minimax_h3.encoders import MiniMaxH3TextEncoderStep
from torch import Tensor, nn

from bases.family import Family, LatentGrid
from bases.folder import check_folder
from bases.loading import loading
from bases.native import NativeNames
from bases.placing import place

TEXT_TAG, VIDEO_TAG, AUDIO_TAG, AUDIO_CHANNELS = 1, 0, 2, 2
OPENING = """\
pipe = {pipeline}.from_pretrained(BASE, workflow="%s")
pipe.load_components(dtype={dtype})"""
SHORTEST, _LONGEST = 124, 360  # 5 to 15 seconds, once cut to a legal number
PIXEL_MEAN, PIXEL_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ChunkedGrid(LatentGrid):
    """Clips of 17 n + 5 frames are 5 n + 2 latent frames; a photo is one.

    Attributes:
        chunk: frames that are encoded at a time.
        tokens: latent frames that a chunk becomes, and frames that a clip has beyond its chunks.
    """

    chunk: int = 17
    tokens: int = 5

    def frames(self, wanted: int) -> int:
        """The nearest legal number of frames, not above `wanted` and at least 1."""
        if wanted < self.tokens:
            return 1
        return (wanted - self.tokens) // self.chunk * self.chunk + self.tokens

    def latent_shape(self, height: int, width: int, frames: int) -> tuple[int, int, int, int]:
        """Shape (C, F, H, W) of the latents of one clip."""
        chunks = (frames - self.tokens) // self.chunk
        latent_frames = 1 if frames == 1 else chunks * self.tokens + 2
        return self.channels, latent_frames, height // self.spatial, width // self.spatial


class TextAlone:
    """In place of a processor, which would want torchvision: nothing but text is processed here."""

    def create_mm_token_type_ids(self, token_ids: list[list[int]]) -> list[list[int]]:
        """Zero for every token, which says that it is text."""
        return [[0] * len(ids) for ids in token_ids]


class MiniMaxH3(Family):
    """A MiniMax-H3 checkpoint, by its partition for prompts alone."""

    pipeline_class: ClassVar[type[Any]] = MiniMaxH3ModularPipeline
    vae_class: ClassVar[type[ModelMixin]] = AutoencoderKLMiniMaxH3
    transformer_class: ClassVar[type[ModelMixin]] = MiniMaxH3Transformer3DModel
    workflow: ClassVar[str] = "t2va"
    opening: ClassVar[str] = OPENING % workflow
    example: ClassVar[str] = 'pipe(prompt={clip}, output="videos")'
    native: ClassVar[NativeNames] = NativeNames(
        formats=("comfyui", "kohya"),
        fused=((("attn.to_q", "attn.to_k", "attn.to_v"), "attn.qkv_proj"),),
        swapped=("ff.net.0.proj",),
        pieces=(
            ("transformer_blocks.", "blocks."),
            ("attn.to_out.0", "attn.out_proj"),
            ("ff.net.0.proj", "mlp.fc1"),
            ("ff.net.2", "mlp.fc2"),
        ),
    )
    one_by_one: ClassVar[bool] = True
    takes_guidance: ClassVar[bool] = False
    takes_negative: ClassVar[bool] = False
    lora_targets: ClassVar[str] = (
        r"transformer_blocks\.\d+\.(attn\.(to_q|to_k|to_v|to_out\.0)|ff\.net\.(0\.proj|2))"
    )
    modulation: ClassVar[str] = r"transformer_blocks\.\d+\.adaln_proj\.linear|norm_out\.linear"

    @functools.cached_property
    def grid(self) -> LatentGrid:
        """Strides and channels, from the configurations of the VAE and the transformer."""
        vae, patch = self.config("vae"), self.patch
        spatial = math.prod(vae["spatial_downsample_factors"])
        temporal = math.prod(vae["temporal_downsample_factors"])
        return ChunkedGrid(
            spatial=spatial,
            temporal=temporal,
            channels=vae["latent_channels"],
            multiple=spatial * patch[2],
            shortest=SHORTEST,
            longest=_LONGEST,
            chunk=vae["clip_length"],
            tokens=math.ceil(vae["clip_length"] / temporal),
        )

    @functools.cached_property
    def patch(self) -> tuple[int, int, int]:
        """Latent frames, rows and columns of a row of the sequence."""
        frames, height, width = self.config(self.part)["patch_size"]
        return frames, height, width

    @functools.cached_property
    def audio_channels(self) -> int:
        """Numbers of a row of sound, of which none is trained."""
        return int(self.config(self.part)["audio_in_channels"])

    def pipeline(self, *, dtype: torch.dtype, device: torch.device, **parts: nn.Module) -> Any:
        """See `Family.pipeline`."""
        with loading(self.source):
            check_folder(self.source, self.pipeline_class, self.part)
            pipe = ModularPipeline.from_pretrained(self.source, workflow=self.workflow)
            pipe = filled(pipe, dtype, self.processor(), **parts)
            return pipe.to(device) if parts else place(pipe, device)

    def load_text(self, dtype: torch.dtype, device: torch.device) -> Any:
        """The pipeline's own first step."""
        text = MiniMaxH3TextEncoderStep().init_pipeline(self.source)
        return filled(text, dtype, self.processor()).to(device)

    def processor(self) -> Any:
        """What takes the place of the pipeline's own processor."""
        return TextAlone()

    @torch.no_grad()
    def encode_prompt(self, text: Any, prompt: str) -> dict[str, Tensor]:
        """What the pipeline makes of a prompt; one that is empty it cannot take, but a space."""
        return {"encoder_hidden_states": text(prompt=prompt or " ", output="prompt_embeds")}

    @torch.no_grad()
    def encode_video(self, vae: Any, video_BCFHW: Tensor) -> Tensor:
        """Latents normalised with the VAE's own mean and spread a channel."""
        pixels = (video_BCFHW.to(vae.device, vae.dtype) + 1) / 2
        pixels = (pixels - _channels(PIXEL_MEAN, pixels)) / _channels(PIXEL_STD, pixels)
        latents = vae.encode(pixels).latent_dist.mode()
        mean, std = vae.config.latents_mean, vae.config.latents_std
        return (latents - _channels(mean, latents)) / _channels(std, latents)

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """One example as a packed sequence; what is left of noise is counted up to 1."""
        device, (frames, height, width) = noisy_BCFHW.device, noisy_BCFHW.shape[2:]
        words = conditions["encoder_hidden_states"].shape[1]
        position_ids, token_tags, video, audio, text, *_ = (
            MiniMaxH3PrepareLayoutStep.build_packed_sequence(
                torch.full((words,), TEXT_TAG),
                frames,
                height,
                width,
                0,
                self.patch,
                AUDIO_CHANNELS,
                AUDIO_TAG,
                VIDEO_TAG,
            )
        )
        return {
            "hidden_states": patchify_video_latents(noisy_BCFHW, self.patch)[None],
            "audio_hidden_states": noisy_BCFHW.new_zeros(1, 0, self.audio_channels),
            "timestep": 1 - sigmas.to(device),
            "timestep_indices": torch.zeros_like(token_tags).to(device),
            "token_tags": token_tags.to(device),
            "position_ids": position_ids.to(device),
            "video_indices": video.to(device),
            "audio_indices": audio.to(device),
            "text_indices": text.to(device),
            **conditions,
        }

    def modulated_by(self, transformer: MiniMaxH3Transformer3DModel, levels: Tensor) -> Tensor:
        """See `Family.modulated_by`."""
        embedder = transformer.time_embedder
        return F.silu(embedder(transformer.time_proj(levels).to(embedder.linear_1.weight)))

    def prediction(self, output: Any, noisy_BCFHW: Tensor, sigmas: Tensor) -> Tensor:
        """MiniMax-H3 predicts x - e, row by row."""
        rows_BSC = super().prediction(output, noisy_BCFHW, sigmas)
        own = noisy_BCFHW[0, 0].numel() // math.prod(self.patch)
        return -unpatchified(rows_BSC[:, -own:], noisy_BCFHW, self.patch)

    def call_arguments(self, pipe: Any, guidance: float) -> dict[str, Any]:
        """Nothing; the guidance is in the weights."""
        return {}

    def draw(self, pipe: Any, *, guidance: float, **settings: Any) -> Any:
        """See `Family.draw`; this pipeline gives everything by name."""
        wanted = "latents" if settings.pop("output_type") == "latent" else "videos"
        return pipe(**settings, output_type="np", output=wanted)


def unpatchified(rows_BSC: Tensor, like_BCFHW: Tensor, patch: tuple[int, int, int]) -> Tensor:
    """The inverse of the pipeline's patches: rows in the order of frames, rows and columns."""
    count, channels, *size = like_BCFHW.shape
    grid = [whole // part for whole, part in zip(size, patch, strict=True)]
    blocks = rows_BSC.reshape(count, *grid, channels, *patch)
    return blocks.permute(0, 4, 1, 5, 2, 6, 3, 7).reshape(like_BCFHW.shape)


def filled(pipe: Any, dtype: torch.dtype, processor: Any, **parts: Any) -> Any:
    """A modular pipeline with the parts given, and the rest loaded."""
    parts |= {"processor": processor}
    names = [name for name in pipe.pretrained_component_names if name not in parts]
    pipe.load_components(names, dtype=dtype)
    pipe.update_components(**parts)
    return pipe


def _channels(numbers: Any, like: Tensor) -> Tensor:
    """One number a channel, (1, C, 1, 1, 1)."""
    return torch.tensor(numbers).view(1, -1, 1, 1, 1).to(like)
