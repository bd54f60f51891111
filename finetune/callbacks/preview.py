"""Preview clips during training, of one prompt and seed, with the adapter as it would be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from bases.video import write_mp4
from finetune.adapter import at_strength, without_help
from finetune.callbacks.step import StepCallback
from finetune.data import SubjectData
from finetune.examples import free_memory
from finetune.module import LoraModule
from finetune.sample import SAMPLE_SEED, sample_prompt


class Preview(StepCallback):
    """Renders a clip every few steps.

    Args:
        folder: receives `step-00100.mp4` and so on, with an expert's name before it if it has one.
        every: steps between two clips; 0 for none.
    """

    def __init__(self, folder: Path, every: int = 0) -> None:
        self.folder, self.every = folder, every

    def on_step_end(self, trainer: pl.Trainer, module: LoraModule, *_: Any) -> None:
        """Render after every `every`-th step."""
        step = trainer.global_step
        if not self.every or step % self.every:
            return
        data: SubjectData = trainer.datamodule
        frames = self._render(module, data)
        name = "-".join(filter(None, (module.expert.name, f"step-{step:05d}")))
        write_mp4(self.folder / f"{name}.mp4", frames, fps=data.base.fps)

    @torch.no_grad()
    def _render(self, module: LoraModule, data: SubjectData) -> Any:
        base, subject = data.base, data.subject
        pipe = module.family.pipeline(
            dtype=module.base_dtype,
            device=module.device,
            **{module.expert.part: module.transformer},
        )
        pipe.set_progress_bar_config(disable=True)
        photos = subject.learnt[: data.pictures] if module.family.pictures else ()
        shown = [photo.open() for photo in photos]
        transformer = module.transformer
        with without_help(transformer), at_strength(transformer, module.strength):
            video = module.family.draw(
                pipe,
                guidance=base.guidance,
                prompt=sample_prompt(subject),
                **base.native_clip,
                generator=torch.Generator("cpu").manual_seed(SAMPLE_SEED),
                output_type="np",
                **({"pictures": shown} if shown else {}),
            )[0]
        del pipe
        free_memory()
        return (video * 255).round().astype("uint8")
