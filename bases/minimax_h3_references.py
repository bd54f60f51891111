"""MiniMax-H3 by its partition for references: prompts that come with pictures of the subject.

Its sequence is that of `bases.minimax_h3` with the pictures' own rows before the clip's. They are
hardly noisy and stay so at every step; the prompt's text encoder sees them too.

Shapes as there.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers.modular_pipelines import SequentialPipelineBlocks
from diffusers.modular_pipelines.minimax_h3 import MiniMaxH3ImageReference
from diffusers.modular_pipelines.minimax_h3.before_denoise import (
    MiniMaxH3Ref2VAPrepareLayoutStep,
    patchify_video_latents,
)
from diffusers.modular_pipelines.minimax_h3.before_encoder import MiniMaxH3Ref2VASetupStep
from diffusers.modular_pipelines.minimax_h3.encoders import (
    MiniMaxH3Ref2VATextEncoderStep,
    encode_vae_condition,
)
from PIL.Image import Image
from torch import Generator, Tensor
from transformers import AutoTokenizer, Qwen2VLImageProcessorPil

from bases.family import PICTURE, Part
from bases.minimax_h3 import (
    AUDIO_CHANNELS,
    AUDIO_TAG,
    OPENING,
    PIXEL_MEAN,
    PIXEL_STD,
    SHORTEST,
    TEXT_TAG,
    VIDEO_TAG,
    MiniMaxH3,
    filled,
)

_IMAGE_PAD = "<|image_pad|>"
_TAGS = "text_token_tags"
_LONGEST = 4
"""Times the shorter side that the longer one of a picture may be."""

_CLEAN = 0.999
"""How much of a picture is left beside its noise; the pipeline calls it the keyframes' own."""


@dataclass(frozen=True)
class TextAndPictures:
    """In place of a processor, which would want torchvision: pictures are resized by Pillow.

    Attributes:
        image_processor: makes patches of pictures.
        pad: the token that stands for one.
    """

    image_processor: Qwen2VLImageProcessorPil
    pad: int

    def create_mm_token_type_ids(self, token_ids: list[list[int]]) -> list[list[int]]:
        """For every token whether it is text, 0, or stands for a picture, 1."""
        return [[int(token == self.pad) for token in ids] for ids in token_ids]


class MiniMaxH3References(MiniMaxH3):
    """A MiniMax-H3 checkpoint, by its partition for references."""

    part: ClassVar[Part] = "transformer_ref"
    workflow: ClassVar[str] = "ref2va"
    opening: ClassVar[str] = OPENING % workflow
    prefix: ClassVar[str] = "transformer_ref"
    example: ClassVar[str] = """\
from diffusers.modular_pipelines.minimax_h3 import MiniMaxH3ImageReference
photos = [MiniMaxH3ImageReference.from_file(file) for file in PHOTOS]
pipe(prompt={clip}, references=photos, output="videos")"""
    pictures: ClassVar[int] = 9

    def load_text(self, dtype: torch.dtype, device: torch.device) -> Any:
        """The pipeline's own first steps, from pictures of any size on."""
        steps = {"setup": MiniMaxH3Ref2VASetupStep(), "text": MiniMaxH3Ref2VATextEncoderStep()}
        text = SequentialPipelineBlocks.from_blocks_dict(steps).init_pipeline(self.source)
        return filled(text, dtype, self.processor()).to(device)

    def processor(self) -> TextAndPictures:
        """See `TextAndPictures`."""
        tokenizer = AutoTokenizer.from_pretrained(self.source, subfolder="tokenizer")
        images = Qwen2VLImageProcessorPil.from_pretrained(self.source, subfolder="processor")
        return TextAndPictures(images, tokenizer.convert_tokens_to_ids(_IMAGE_PAD))

    @torch.no_grad()
    def encode_shown(self, text: Any, prompt: str, pictures: Sequence[Image]) -> dict[str, Tensor]:
        """What the pipeline makes of a prompt and its pictures; tags tell their tokens apart."""
        said = text(
            prompt=prompt or " ",
            references=list(map(_reference, pictures)),
            num_frames=SHORTEST,
            output=["prompt_embeds", _TAGS],
        )
        return {"encoder_hidden_states": said["prompt_embeds"], _TAGS: said[_TAGS][None]}

    @functools.cached_property
    def _setup(self) -> Any:
        return MiniMaxH3Ref2VASetupStep().init_pipeline(self.source)

    @torch.no_grad()
    def encode_picture(self, vae: Any, picture: Image) -> Tensor:
        """At the size that the pipeline gives pictures, whatever a clip's is."""
        (sized,) = self._setup(
            references=[_reference(picture)], num_frames=SHORTEST, output="normalized_references"
        )
        pixels = torch.from_numpy(np.array(sized.image)).to(vae.device).permute(2, 0, 1)
        return encode_vae_condition(vae, pixels[None, :, None], PIXEL_MEAN, PIXEL_STD)

    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """As without pictures, whose rows stand before the clip's, at a noise of their own."""
        device, size = noisy_BCFHW.device, noisy_BCFHW.shape[2:]
        words = conditions["encoder_hidden_states"]
        pictures = [conditions[name] for name in sorted(conditions) if name.startswith(PICTURE)]
        position_ids, token_tags, video, audio, text, count, _ = (
            MiniMaxH3Ref2VAPrepareLayoutStep.build_ref2va_packed_sequence(
                torch.full((words.shape[1],), TEXT_TAG),
                [MiniMaxH3ImageReference(image=None)] * len(pictures),
                pictures,
                [],
                *size,
                0,
                self.patch,
                AUDIO_CHANNELS,
                AUDIO_TAG,
                VIDEO_TAG,
            )
        )
        clip = patchify_video_latents(noisy_BCFHW, self.patch)
        levels = torch.zeros_like(token_tags)
        levels[video[:count]] = 1
        left = 1 - sigmas.to(device)
        return {
            "hidden_states": torch.cat([*map(self._rows, pictures), clip])[None].to(clip),
            "audio_hidden_states": noisy_BCFHW.new_zeros(1, 0, self.audio_channels),
            "encoder_hidden_states": words,
            "timestep": torch.cat([left, left.clamp_min(_CLEAN)]),
            "timestep_indices": levels.to(device),
            "token_tags": torch.cat([conditions[_TAGS][0], token_tags[len(text) :].to(device)]),
            "position_ids": position_ids.to(device),
            "video_indices": video.to(device),
            "audio_indices": audio.to(device),
            "text_indices": text.to(device),
        }

    def _rows(self, latents: Tensor) -> Tensor:
        """A picture's rows, in a little noise that is always the same."""
        noise = torch.randn(latents.shape, generator=Generator().manual_seed(0)).to(latents)
        return patchify_video_latents(_CLEAN * latents + (1 - _CLEAN) * noise, self.patch)

    def draw(self, pipe: Any, *, guidance: float, **settings: Any) -> Any:
        """See `Family.draw`."""
        shown = list(map(_reference, settings.pop("pictures")))
        return super().draw(pipe, guidance=guidance, references=shown, **settings)


def _reference(picture: Image) -> MiniMaxH3ImageReference:
    """A picture as the pipeline takes it: of one that is longer than it takes, the middle."""
    width, height = (
        min(side, _LONGEST * other) for side, other in (picture.size, picture.size[::-1])
    )
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return MiniMaxH3ImageReference(picture.crop((left, top, left + width, top + height)))
