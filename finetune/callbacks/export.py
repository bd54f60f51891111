"""The adapter's folder, written when the training ends."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl

from bases.catalogue import Base
from bases.fingerprint import fingerprint
from finetune.adapter import CARD, RUN, change, write_weights
from finetune.callbacks.throughput import Throughput
from finetune.data import SubjectData
from finetune.errors import TrainingError
from finetune.examples import photos_digest
from finetune.module import LoraModule
from subjects import Subject

_PACKAGES = ("torch", "diffusers", "transformers", "peft", "pytorch-lightning")


class ExportAdapter(pl.Callback):
    """Writes weights, record and model card into a folder that exists.

    Args:
        folder: where to.
        config: the run's whole configuration.
        throughput: what timed the steps.
    """

    def __init__(self, folder: Path, config: dict[str, Any], throughput: Throughput) -> None:
        self.folder, self.config, self.throughput = folder, config, throughput
        self.size = 0.0
        self.tensors = 0

    def on_train_end(self, trainer: pl.Trainer, module: LoraModule) -> None:
        """Write the adapter.

        Raises:
            TrainingError: if the adapter changes nothing, or is not finite.
        """
        weights = write_weights(self.folder, module.transformer)
        self.size, self.tensors = change(weights), len(weights)
        if not 0 < self.size < float("inf"):
            raise TrainingError(
                f"After {trainer.global_step} steps the adapter changes the base by {self.size!r}: "
                "it would do nothing, or harm. Train again with a lower --model.lr."
            )
        data: SubjectData = trainer.datamodule
        record = self._record(trainer.global_step, data)
        text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
        (self.folder / RUN).write_text(text + "\n")
        (self.folder / CARD).write_text(_card(data.subject, data.base))

    def _record(self, steps: int, data: SubjectData) -> dict[str, Any]:
        subject = data.subject
        return {
            "subject": {
                "name": subject.name,
                "trigger": subject.trigger,
                "noun": subject.class_noun,
            },
            "base": {
                "name": data.base.name,
                "source": data.base.public_source,
                "fingerprint": fingerprint(data.base.source),
            },
            "photos": {"count": len(subject.kept), "digest": photos_digest(subject)},
            "steps": steps,
            "tensors": self.tensors,
            "change": self.size,
            "throughput": self.throughput.summary,
            "config": {**self.config, "data": {**self.config["data"], "home": None}},
            "versions": {name: version(name) for name in _PACKAGES},
            "python": platform.python_version(),
        }


def _card(subject: Subject, base: Base) -> str:
    prompt = f"{subject.called}, waving"
    return f"""---
library_name: diffusers
tags: [lora, text-to-video, starring]
---
# {subject.name}

A LoRA adapter that makes the base `{base.name}` render one subject, called `{subject.trigger}`.

    from diffusers import WanPipeline

    pipe = WanPipeline.from_pretrained(BASE)
    pipe.load_lora_weights(FOLDER, weight_name="adapter.safetensors")
    tokens = min(pipe.tokenizer.model_max_length, 512)
    pipe("{prompt}", height={base.height}, width={base.width}, num_frames={base.frames},
         num_inference_steps={base.steps}, guidance_scale={base.guidance},
         max_sequence_length=tokens)

`run.json` records how it was trained, `report.json` how like its subject it is.
Use it only for what the person shown has agreed to.
"""
