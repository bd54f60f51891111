"""The adapter's folder, written when the training ends."""

from __future__ import annotations

import dataclasses
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from bases.catalogue import Base
from bases.files import whole_file
from finetune.adapter import CARD, RUN, change, lora_weights, weights_file, write_weights
from finetune.callbacks.throughput import Throughput
from finetune.data import SubjectData
from finetune.errors import TrainingError
from finetune.examples import photos_digest
from finetune.module import LoraModule
from finetune.sample import sample_prompt
from subjects import Subject
from subjects.files import file_digest

_PACKAGES = ("torch", "diffusers", "transformers", "peft", "pytorch-lightning")


class ExportAdapter(pl.Callback):
    """Writes weights, record and model card into a folder that exists.

    Args:
        folder: where to; what it holds of other experts stays.
        config: the run's whole configuration.
        throughput: what timed the steps.
    """

    def __init__(self, folder: Path, config: dict[str, Any], throughput: Throughput) -> None:
        self.folder, self.config, self.throughput = folder, config, throughput
        self.begun: dict[str, Tensor] = {}

    def on_train_start(self, trainer: pl.Trainer, module: LoraModule) -> None:
        """Keep what the layers begin with, which is not nothing where a gate has set them."""
        fresh = {}
        if trainer.global_step == 0:
            fresh = lora_weights(module.transformer, module.strength)
        self.begun = {name: weight.clone() for name, weight in fresh.items()}

    def write(self, trainer: pl.Trainer, module: LoraModule) -> None:
        """Write what was trained; for after the training, which a run resumed at its end skips.

        Raises:
            TrainingError: if the adapter learnt nothing, or is not finite.
            OSError: if the disk is full.
        """
        file = weights_file(module.expert.name)
        weights = write_weights(
            self.folder / file, module.transformer, module.family.prefix, module.strength
        )
        size = change(weights)
        learnt = not self.begun or any(
            not torch.equal(self.begun[name], weight) for name, weight in weights.items()
        )
        if not (learnt and 0 < size < float("inf")):
            raise TrainingError(
                f"After {trainer.global_step} steps the adapter changes the base by {size!r}, and "
                f"has learnt {'something' if learnt else 'nothing'}: it would do nothing, or harm. "
                "Train again with another --model.lr, and --output.force true."
            )
        helper = module.training_adapter
        expert = {
            "name": module.expert.name,
            "part": module.expert.part,
            "file": file,
            "steps": trainer.global_step,
            "tensors": len(weights),
            "change": size,
            "throughput": self.throughput.summary,
            "thrift": dataclasses.asdict(module.thrift),
            "training_adapter": helper and file_digest(helper),
            "config": {**self.config, "data": {**self.config["data"], "home": None}},
        }
        data: SubjectData = trainer.datamodule
        before = [e for e in trained_experts(self.folder) if e["name"] != module.expert.name]
        record = _record(data, [*before, expert])
        text = json.dumps(record, indent=2, ensure_ascii=False, default=str)
        (self.folder / CARD).write_text(_card(data.subject, data.base, module, record["experts"]))
        with whole_file(self.folder / RUN) as partial:
            partial.write_text(text + "\n")


def trained_experts(folder: Path) -> list[dict[str, Any]]:
    """What the record in a folder says of the experts that have been trained; none without one.

    Raises:
        TrainingError: if it cannot be read.
    """
    path = folder / RUN
    if not path.is_file():
        return []
    try:
        record = json.loads(path.read_text())
    except ValueError:
        record = None
    experts = record.get("experts") if isinstance(record, dict) else None
    if not isinstance(experts, list) or not all(
        isinstance(expert, dict) and "name" in expert for expert in experts
    ):
        raise TrainingError(
            f"The record {str(path)!r} is damaged: delete the folder {str(folder)!r}, and the same "
            "command goes on from the state that was saved last."
        )
    return experts


def _record(data: SubjectData, experts: list[dict[str, Any]]) -> dict[str, Any]:
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
            "revision": data.base.revision,
            "fingerprint": data.base.fingerprint,
        },
        "photos": {
            "count": len(subject.learnt),
            "digest": photos_digest(subject),
            "captions": data.captions,
        },
        "experts": experts,
        "versions": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
    }


def _card(subject: Subject, base: Base, module: LoraModule, experts: list[dict[str, Any]]) -> str:
    family = module.family
    pipeline, dtypes = family.pipeline_class.__name__, family.dtypes(module.base_dtype)
    size = ", ".join(f"{name}={number}" for name, number in base.native_clip.items())
    clip = f'"{sample_prompt(subject)}", {size}'
    prefix = "" if family.prefix == "transformer" else f', prefix="{family.prefix}"'
    lines = [
        "import torch",
        f"from diffusers import {pipeline}",
        "",
        *family.opening.format(pipeline=pipeline, dtype=_written(dtypes)).splitlines(),
        *(
            f'pipe.{e["part"]}.load_lora_adapter(FOLDER, weight_name="{e["file"]}"{prefix})'
            for e in experts
        ),
        *family.example.format(clip=clip, guidance=base.guidance).splitlines(),
    ]
    code = "\n".join(f"    {line}".rstrip() for line in lines)
    return f"""---
library_name: diffusers
tags: [lora, text-to-video, starring]
---
# {subject.name}

A LoRA adapter that makes the base `{base.name}` render one subject, called `{subject.trigger}`.

{code}

`run.json` records how it was trained and, once that was measured, `report.json` how like its
subject it is.
Use it only for what the person shown has agreed to.
"""


def _written(dtypes: dict[str, torch.dtype]) -> str:
    """As code: one precision where all parts share it."""
    if len(set(dtypes.values())) == 1:
        return str(dtypes["default"])
    return "{" + ", ".join(f'"{part}": {dtype}' for part, dtype in dtypes.items()) + "}"
