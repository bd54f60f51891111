"""Train an adapter: Lightning's command line over the module and the data.

    python -m finetune.train --config configs/finetune/pocket.yaml \
        --data.subject mira --data.home HOME

Every argument of `LoraModule`, `SubjectData` and Lightning's `Trainer` can be given, as
`--model.lr 1e-4` or in a YAML. A run that was killed goes on where it stood.
"""

from __future__ import annotations

import json
import os
import shutil
from argparse import ArgumentError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytorch_lightning import Trainer
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI

from bases.fingerprint import fingerprint
from finetune.adapter import SAMPLES, Adapter
from finetune.callbacks import (
    ExportAdapter,
    Preview,
    Progress,
    ResumeState,
    StopGently,
    Throughput,
)
from finetune.data import SubjectData
from finetune.errors import TrainingError
from finetune.examples import photos_digest
from finetune.limits import at_least
from finetune.module import LoraModule
from subjects.subject import folder_of

_STATE, _DRAFT, _CONFIG = "state.ckpt", "adapter", "config.json"


@dataclass
class Output:
    """Where the adapter goes and what is shown on the way.

    Attributes:
        name: the adapter's name; the subject's if not given.
        force: train anew even if there is an adapter of that name.
        preview_every: steps between two preview clips; 0 for none.
        save_every: steps between two saved states.
    """

    name: str | None = None
    force: bool = False
    preview_every: int = 0
    save_every: int = 50


class TrainingCLI(LightningCLI):
    """LightningCLI with an output, whose model trains on the data's base."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """One base for both, one place for the result."""
        parser.add_class_arguments(Output, "output")
        parser.link_arguments("data.base", "model.base")


_TRAINER_DEFAULTS: dict[str, Any] = {
    "max_steps": 1000,
    "devices": 1,
    "logger": False,
    "gradient_clip_val": 1.0,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def train(arguments: list[str]) -> Adapter:
    """Train as a command line says; returns the finished adapter.

    Raises:
        TrainingError: if a setting does not fit, there is such an adapter already, or the training
            went wrong.
    """
    try:
        cli = TrainingCLI(
            LoraModule,
            SubjectData,
            args=arguments,
            run=False,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults=_TRAINER_DEFAULTS,
            parser_kwargs={"exit_on_error": False},
        )
    except ArgumentError as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise TrainingError(
            f"A setting does not fit: {said}. 'python -m finetune.train --help' lists them all."
        ) from error
    output = Output(**cli.config.output.as_dict())
    config = json.loads(cli.parser.dump(cli.config, format="json", skip_none=False))
    return run(cli.trainer, cli.model, cli.datamodule, output, config)


def run(
    trainer: Trainer, module: LoraModule, data: SubjectData, output: Output, config: dict[str, Any]
) -> Adapter:
    """Fit the module and put the adapter in its place as a whole.

    Args:
        trainer: Lightning's trainer.
        module: the model.
        data: the data.
        output: where the adapter goes.
        config: all settings; a state saved under others, or of other photos, is not resumed.

    Raises:
        TrainingError: if a setting does not fit, there is such an adapter already, or the training
            went wrong.
        SubjectError: if the output's name cannot be an adapter's.
    """
    name = data.subject.name if output.name is None else output.name
    folder_of(data.home, name)
    at_least(1, max_steps=trainer.max_steps, save_every=output.save_every)
    at_least(0, preview_every=output.preview_every)
    final, work = data.home / "adapters" / name, data.home / "runs" / name
    if final.exists() and not output.force:
        raise TrainingError(
            f"There is an adapter {name!r} already. Render it with 'starring render {name} "
            "PROMPT', train anew with --output.force true, or give another --output.name."
        )
    learns_from = {"photos": photos_digest(data.subject), "base": fingerprint(data.base.source)}
    state = _open_run(work, {**config, "output": None, **learns_from})
    draft = work / _DRAFT
    draft.mkdir(exist_ok=True)
    throughput = Throughput()
    trainer.callbacks += [
        Progress(),
        throughput,
        Preview(draft / SAMPLES, output.preview_every),
        ExportAdapter(draft, config, throughput),
        ResumeState(work / _STATE, output.save_every),
        StopGently(),
    ]
    try:
        trainer.fit(module, datamodule=data, ckpt_path=state, weights_only=True)
        if trainer.global_step < trainer.max_steps:
            raise _stopped(trainer, work / _STATE)
        _replace(draft, final)
    except SystemExit as stop:  # what Lightning makes of a second Ctrl-C
        raise _stopped(trainer, work / _STATE) from stop
    finally:
        if not (work / _STATE).is_file():
            shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    return Adapter(final)


def _stopped(trainer: Trainer, state: Path) -> TrainingError:
    return TrainingError(
        f"Stopped at step {trainer.global_step} of {trainer.max_steps}. The same command goes on "
        + ("from the state that was saved last." if state.is_file() else "from the beginning.")
    )


def _open_run(work: Path, config: dict[str, Any]) -> Path | None:
    """The state to resume, if one was saved under the same settings; clears away any other."""
    settings = json.dumps(config, sort_keys=True, default=str)
    kept = work / _CONFIG
    if not (kept.is_file() and kept.read_text() == settings):
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        kept.write_text(settings)
    state = work / _STATE
    return state if state.is_file() else None


def _replace(draft: Path, final: Path) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    old = final.with_name(f".{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        os.replace(final, old)
    os.replace(draft, final)
    shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    import sys

    print(f"Wrote {train(sys.argv[1:]).folder}.")
