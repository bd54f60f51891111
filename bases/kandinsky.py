"""Kandinsky 5 and 6 text-to-video, in diffusers' layout; of 6, the video alone.

Both have channels last, and the noisy latents may stand beside those of a given frame and a mask,
all of them zero for text alone. Prompts of Kandinsky 5 are not padded, so that only those of one
length share a batch. Their processor wants torchvision.

Shapes: B clips, C channels, F frames, H rows, W columns; the transformer has C last.
"""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import torch
from diffusers import (
    AutoencoderKLHunyuanVideo,
    DiffusionPipeline,
    Kandinsky5T2VPipeline,
    Kandinsky5Transformer3DModel,
    Kandinsky6TI2VAPipeline,
    Kandinsky6Transformer3DModel,
    ModelMixin,
)
from torch import Tensor

from bases.family import Family, LatentGrid
from bases.native import NativeNames
from bases.scaled_vae import encode_scaled

TIMESTEPS = 1000
_SPARSE_BLOCK = 8


class Kandinsky5(Family):
    """A Kandinsky 5 text-to-video checkpoint."""

    pipeline_class: ClassVar[type[DiffusionPipeline]] = Kandinsky5T2VPipeline
    vae_class: ClassVar[type[ModelMixin]] = AutoencoderKLHunyuanVideo
    transformer_class: ClassVar[type[ModelMixin]] = Kandinsky5Transformer3DModel
    lora_targets: ClassVar[str] = (
        r"visual_transformer_blocks\.\d+\.("
        r"(self|cross)_attention\.(to_query|to_key|to_value|out_layer)|"
        r"feed_forward\.(in|out)_layer)"
    )
    native: ClassVar[NativeNames] = NativeNames(formats=("comfyui", "kohya"), read=False)

    @functools.cached_property
    def grid(self) -> LatentGrid:
        """Strides and channels, from the configurations of the VAE and the transformer."""
        vae, transformer = self.config("vae"), self.config("transformer")
        spatial = vae.get("spatial_compression_ratio", 8)
        patch = transformer.get("patch_size", (1, 2, 2))[1]
        sparse = transformer.get("attention_type") == "nabla"
        return LatentGrid(
            spatial=spatial,
            temporal=vae.get("temporal_compression_ratio", 4),
            channels=vae.get("latent_channels", 16),
            multiple=spatial * patch * (_SPARSE_BLOCK if sparse else 1),
        )

    @functools.cached_property
    def _shell(self) -> Kandinsky5T2VPipeline:
        """The pipeline with a transformer without weights, for what it makes of sizes."""
        with torch.device("meta"):
            transformer = Kandinsky5Transformer3DModel.from_config(self.config("transformer"))
        rest = ("vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "scheduler")
        return Kandinsky5T2VPipeline(transformer=transformer, **dict.fromkeys(rest))

    @torch.no_grad()
    def encode_prompt(self, text: Any, prompt: str) -> dict[str, Tensor]:
        """What the pipeline makes of a prompt: of Qwen, unpadded, and of CLIP in one vector."""
        hidden, pooled, _ = text.encode_prompt(prompt)
        return {"encoder_hidden_states": hidden, "pooled_projections": pooled}

    def encode_video(self, vae: Any, video_BCFHW: Tensor) -> Tensor:
        """Latents times the VAE's own scale."""
        return encode_scaled(vae, video_BCFHW)

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """Channels last, noise counted in thousandths, and where each token lies."""
        grid, device = self.grid, noisy_BCFHW.device
        frames, height, width = noisy_BCFHW.shape[2:]
        hidden_states = self._beside_nothing(noisy_BCFHW)
        return {
            "hidden_states": hidden_states,
            "timestep": (sigmas.to(device) * TIMESTEPS).to(noisy_BCFHW.dtype),
            "visual_rope_pos": [
                torch.arange(size, device=device) for size in (frames, height // 2, width // 2)
            ],
            "text_rope_pos": torch.arange(
                conditions["encoder_hidden_states"].shape[1], device=device
            ),
            "scale_factor": self._shell._get_scale_factor(
                height * grid.spatial, width * grid.spatial
            ),
            "sparse_params": self._shell.get_sparse_params(hidden_states, device),
            **conditions,
        }

    def _beside_nothing(self, noisy_BCFHW: Tensor) -> Tensor:
        """Channels last and, where the model takes a given frame, zeros for none and its mask."""
        noisy_BFHWC = noisy_BCFHW.permute(0, 2, 3, 4, 1)
        if not self.config("transformer").get("visual_cond"):
            return noisy_BFHWC
        nothing = torch.zeros_like(noisy_BFHWC)
        return torch.cat([noisy_BFHWC, nothing, nothing[..., :1]], dim=-1)

    def prediction(self, output: Any, noisy_BCFHW: Tensor, sigmas: Tensor) -> Tensor:
        """Kandinsky predicts e - x itself; 5 gives it without a tuple around it."""
        flow = output if isinstance(output, Tensor) else output[0]
        return flow.permute(0, 4, 1, 2, 3)

    def drawn_latents(self, pipe: Any, latents_BCFHW: Tensor) -> Tensor:
        """This pipeline has channels last."""
        return latents_BCFHW.permute(0, 4, 1, 2, 3)


class Kandinsky6(Kandinsky5):
    """A Kandinsky 6 checkpoint, whose sound is neither trained nor rendered."""

    pipeline_class: ClassVar[type[DiffusionPipeline]] = Kandinsky6TI2VAPipeline
    transformer_class: ClassVar[type[ModelMixin]] = Kandinsky6Transformer3DModel
    not_text: ClassVar[tuple[str, ...]] = ("transformer", "vae", "audio_vae", "vocoder")
    lora_targets: ClassVar[str] = (
        r"visual_transformer_blocks\.\d+\.video_dec_block\.("
        r"(self|cross)_attention\.(to_query|to_key|to_value|out_layer)|"
        r"feed_forward\.net\.(0\.proj|2))"
    )
    native: ClassVar[NativeNames] = NativeNames()
    example: ClassVar[str] = "pipe({clip}, guidance_scale={guidance}, sample_audio=False)"

    @torch.no_grad()
    def encode_prompt(self, text: Any, prompt: str) -> dict[str, Tensor]:
        """What the pipeline makes of a prompt: of Qwen with a mask, and of CLIP in one vector."""
        hidden, pooled, mask, *_ = text.encode_prompt(prompt, do_classifier_free_guidance=False)
        masked = {} if mask is None else {"encoder_attention_mask": mask}
        return {"encoder_hidden_states": hidden, "pooled_projections": pooled, **masked}

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """Channels last, and noise counted in thousandths."""
        return {
            "hidden_states": self._beside_nothing(noisy_BCFHW),
            "timestep": sigmas.to(noisy_BCFHW.device) * TIMESTEPS,
            **conditions,
        }

    def call_arguments(self, pipe: Any, guidance: float) -> dict[str, Any]:
        """Guidance, and no sound."""
        return {"guidance_scale": guidance, "sample_audio": False}

    def drawn_latents(self, pipe: Any, latents_BCFHW: Tensor) -> Tensor:
        """This pipeline gives latents as all others do."""
        return latents_BCFHW
