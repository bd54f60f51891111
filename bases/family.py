"""A family of base models: what differs between them, and nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from diffusers import AutoModel, DiffusionPipeline
from PIL.Image import Image
from torch import Tensor, nn

from bases.folder import check_folder
from bases.loading import loading
from bases.native import NativeNames
from bases.objective import FlowMatching
from bases.placing import place

PICTURE = "picture_"
"""With a number behind it, from 0 to 8, the condition that is a picture's latents."""

Part = Literal["text", "vae", "transformer", "transformer_2", "transformer_ref"]


@dataclass(frozen=True)
class Expert:
    """A transformer of a base, and the noise levels that it is asked about.

    Attributes:
        name: as in the names of files, empty where one transformer is asked about all.
        part: the pipeline's name for it.
        low: the lowest of its noise levels, in [0, 1).
        high: the highest, in (0, 1].
    """

    name: str = ""
    part: Part = "transformer"
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class LatentGrid:
    """How pixels become latents.

    Attributes:
        spatial: pixels a latent cell, in height and in width.
        temporal: frames a latent frame, after the first, which stands alone.
        channels: numbers a latent cell.
        multiple: height and width of a clip must be multiples of this many pixels.
        together: latent frames are a multiple of this, filled up at the front.
        shortest: the fewest frames that are drawn.
        longest: the most; 0 if as many as wanted.
    """

    spatial: int
    temporal: int
    channels: int
    multiple: int
    together: int = 1
    shortest: int = 1
    longest: int = 0

    def frames(self, wanted: int) -> int:
        """The nearest legal number of frames, not above `wanted` and at least 1."""
        return (max(wanted, 1) - 1) // self.temporal * self.temporal + 1

    def latent_shape(self, height: int, width: int, frames: int) -> tuple[int, int, int, int]:
        """Shape (C, F, H, W) of the latents of one clip."""
        latent_frames = (frames - 1) // self.temporal + 1
        latent_frames += -latent_frames % self.together
        return self.channels, latent_frames, height // self.spatial, width // self.spatial


class Family(ABC):
    """One base model, by the folder or hub name it is loaded from.

    Tensors: `video_BCFHW` in [-1, 1] with 3 channels, a photo having F = 1; `latents_BCFHW`
    normalised to about zero mean and unit spread; sigmas (B,) in [0, 1].

    Attributes:
        pipeline_class: diffusers' own pipeline.
        vae_class: diffusers' own VAE.
        transformer_class: diffusers' own transformer.
        not_text: parts of the pipeline that prompts need not.
        part: the pipeline's transformer, where it has one for each task.
        prefix: before the names of layers in an adapter's file, where diffusers looks for it.
        float32_parts: of the pipeline, which render in that whatever the rest does.
        lora_targets: a regular expression over the linear layers that an adapter changes.
        modulation: the same over those that hear the noise level alone and are a large part of the
            base; none if empty.
        listening: how its blocks call their attention to the prompt, where that is apart from the
            attention among a clip's own tokens; empty where it is not.
        native: how other programs name the layers.
        opening: how people load the pipeline, to be copied; `{pipeline}` stands for its class and
            `{dtype}` for the precision of its parts.
        example: a call of the pipeline, likewise; `{clip}` stands for prompt and size.
        one_by_one: whether the transformer takes one example at a time.
        masks: the conditions that say which tokens of a prompt count.
        takes_guidance: whether it can be rendered with a scale of guidance.
        takes_negative: whether that leads away from a negative prompt, as classifier-free guidance
            does.
        pictures: of the subject that a prompt comes with, at most; it draws nothing without one
            then. 0 where prompts are words alone.

    Args:
        source: a folder in diffusers' layout, or a name on the Hugging Face hub.
        objective: how it is trained.
    """

    pipeline_class: ClassVar[type[Any]]
    vae_class: ClassVar[type[Any]]
    transformer_class: ClassVar[type[Any]]
    not_text: ClassVar[tuple[str, ...]] = ("transformer", "vae")
    part: ClassVar[Part] = "transformer"
    prefix: ClassVar[str] = "transformer"
    float32_parts: ClassVar[tuple[str, ...]] = ()
    lora_targets: ClassVar[str]
    modulation: ClassVar[str] = ""
    listening: ClassVar[str] = ""
    native: ClassVar[NativeNames] = NativeNames()
    opening: ClassVar[str] = "pipe = {pipeline}.from_pretrained(BASE, dtype={dtype})"
    example: ClassVar[str] = "pipe({clip}, guidance_scale={guidance})"
    one_by_one: ClassVar[bool] = False
    masks: ClassVar[tuple[str, ...]] = ()
    takes_guidance: ClassVar[bool] = True
    takes_negative: ClassVar[bool] = True
    pictures: ClassVar[int] = 0

    def __init__(self, source: str | Path, objective: FlowMatching | None = None) -> None:
        self.source = str(source)
        self.objective = objective or FlowMatching()
        self._configs: dict[str, dict[str, Any]] = {}

    @property
    @abstractmethod
    def grid(self) -> LatentGrid:
        """How pixels become latents, read from the base's own configuration."""

    @property
    def experts(self) -> tuple[Expert, ...]:
        """The transformers to be trained, from high noise to low; one, unless a family says more.

        Raises:
            BrokenBase: if the base's own configuration cannot be read.
        """
        return (Expert(part=self.part),)

    def load(self, part: Part, *, dtype: torch.dtype, device: torch.device) -> Any:
        """Load one part of the base, ready to use and frozen.

        Raises:
            BrokenBase: if it is missing or belongs to another family.
        """
        with loading(self.source):
            check_folder(self.source, self.pipeline_class, self.part)
            if part == "text":
                return self.load_text(dtype, device)
            kind = self.vae_class if part == "vae" else self.transformer_class
            return frozen(kind.from_pretrained(self.source, subfolder=part, dtype=dtype), device)

    def config(self, part: str) -> dict[str, Any]:
        """What the base says of one of its networks, read once.

        Raises:
            BrokenBase: if the base is missing or belongs to another family.
        """
        if part not in self._configs:
            with loading(self.source):
                check_folder(self.source, self.pipeline_class, self.part)
                self._configs[part] = AutoModel.load_config(self.source, subfolder=part)
        return self._configs[part]

    def shell(self, part: str) -> Any:
        """One of the base's networks without numbers, in bfloat16, to go through on shapes alone.

        Raises:
            BrokenBase: if the base is missing or belongs to another family.
        """
        with torch.device("meta"):
            return AutoModel.from_config(self.config(part)).bfloat16()

    def load_text(self, dtype: torch.dtype, device: torch.device) -> Any:
        """What encodes prompts, of a base whose files are all there: the pipeline's text side."""
        without = dict.fromkeys(self.not_text)
        return self.pipeline_class.from_pretrained(self.source, dtype=dtype, **without).to(device)

    @abstractmethod
    def encode_prompt(self, text: Any, prompt: str) -> dict[str, Tensor]:
        """A prompt as conditions, keyed by the transformer's argument names; one row each.

        Prompts of one length in tokens have conditions of one shape, and may share a batch.
        """

    def encode_shown(self, text: Any, prompt: str, pictures: Sequence[Image]) -> dict[str, Tensor]:
        """As `encode_prompt`, of a prompt that comes with 1 to `pictures` pictures."""
        raise NotImplementedError

    def encode_picture(self, vae: Any, picture: Image) -> Tensor:
        """A picture that a prompt comes with, as latents (1, C, 1, H, W); see `PICTURE`."""
        raise NotImplementedError

    @abstractmethod
    def encode_video(self, vae: Any, video_BCFHW: Tensor) -> Tensor:
        """Pixels as normalised latents."""

    @abstractmethod
    def transformer_inputs(
        self, noisy_BCFHW: Tensor, sigmas: Tensor, conditions: dict[str, Tensor]
    ) -> dict[str, Any]:
        """The arguments of the transformer's forward, as the family's pipeline would give them."""

    def modulated_by(self, transformer: Any, levels: Tensor) -> Tensor:
        """What the layers of `modulation` hear.

        Args:
            transformer: of the base.
            levels: of noise, as the transformer counts them, (N,).

        Returns:
            one row a level, (N, I).
        """
        raise NotImplementedError

    def prediction(self, output: Any, noisy_BCFHW: Tensor, sigmas: Tensor) -> Tensor:
        """The transformer's output as e - x, which most models predict themselves."""
        return output.sample if hasattr(output, "sample") else output[0]

    def pipeline(
        self, *, dtype: torch.dtype, device: torch.device, **parts: nn.Module
    ) -> DiffusionPipeline:
        """The family's own diffusers pipeline over this base, with parts that are in memory.

        What does not fit the device waits outside, unless a part is in memory already.

        Raises:
            BrokenBase: if the base is missing or belongs to another family.
        """
        dtypes = self.dtypes(dtype)
        with loading(self.source):
            check_folder(self.source, self.pipeline_class, self.part)
            pipe = self.pipeline_class.from_pretrained(self.source, dtype=dtypes, **parts)
            return pipe.to(device) if parts else place(pipe, device)

    def dtypes(self, dtype: torch.dtype) -> dict[str, torch.dtype]:
        """The precision of each part of the pipeline, where most are of `dtype`."""
        return {"default": dtype, **dict.fromkeys(self.float32_parts, torch.float32)}

    def call_arguments(self, pipe: Any, guidance: float) -> dict[str, Any]:
        """What to tell the pipeline at each call, so that it renders as the base was trained.

        Args:
            pipe: the pipeline.
            guidance: scale of classifier-free guidance; 1 for none.
        """
        return {"guidance_scale": guidance}

    def draw(self, pipe: Any, *, guidance: float, **settings: Any) -> Any:
        """What the pipeline draws: a batch of one clip, as arrays or as its own kind of latents.

        Args:
            pipe: the pipeline.
            guidance: scale of classifier-free guidance; 1 for none.
            settings: what every pipeline takes: prompt, size, steps, generator, output_type; a
                negative_prompt where it takes one, and `pictures` where prompts come with some.
        """
        return pipe(**settings, **self.call_arguments(pipe, guidance)).frames

    def drawn_latents(self, pipe: Any, latents_BCFHW: Tensor) -> Tensor:
        """What the pipeline gives as latents, normalised as `encode_video` gives them."""
        return latents_BCFHW


def frozen(model: nn.Module, device: torch.device) -> nn.Module:
    """A model on its device, in evaluation mode, that learns nothing."""
    return model.to(device).eval().requires_grad_(False)
