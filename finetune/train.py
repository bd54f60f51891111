"""Train an adapter: Lightning's command line over the module and the data.

    python -m finetune.train --config configs/finetune/pocket.yaml \
        --data.subject mira --data.home HOME

Every argument of `LoraModule`, `SubjectData` and Lightning's `Trainer` can be given, as
`--model.lr 1e-4` or in a YAML. A base with two experts is trained twice, one after the other. A run
that was killed goes on where it stood.
"""

from __future__ import annotations

import json
import os
import shutil
from argparse import ArgumentError
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Optional

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from bases.errors import BaseModelError
from bases.memory import fitting
from finetune.adapter import SAMPLES, Adapter
from finetune.budget import cap_memory
from finetune.callbacks import (
    ExportAdapter,
    Preview,
    Progress,
    ResumeState,
    StopGently,
    StopUnlessFinite,
    Throughput,
    trained_experts,
)
from finetune.data import SubjectData
from finetune.errors import AdapterError, TrainingError, TrainingStopped
from finetune.examples import free_memory
from finetune.identity import goes_on, identity_of, open_run
from finetune.limits import at_least
from finetune.module import LoraModule
from finetune.refusal import plainly
from finetune.trainer import DEFAULTS, check_trainer
from subjects import SubjectError
from subjects.locks import Busy, alone_in
from subjects.privacy import private_folder
from subjects.subject import folder_of

_DRAFT, _UNFINISHED, _TOLD = "adapter", "unfinished", "told"
_LESS_MEMORY = (
    "Give a smaller --data.side, fewer --data.photos, --data.held 0, --data.clips 0, "
    "--data.relit false, --data.surroundings false and --output.preview_every 0, or choose a "
    "smaller base: 'starring bases' lists them."
)


@dataclass
class Output:
    """Where the adapter goes and what is shown on the way.

    Attributes:
        name: the adapter's name; the subject's if not given.
        force: train anew, even if there is an adapter of that name or a run of it was stopped; the
            same command goes on where it was killed itself.
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
        """One base for both, one place for the result, settings of single experts."""
        parser.add_class_arguments(Output, "output")
        parser.add_argument(
            "--experts",
            type=Optional[dict[str, dict[str, bool | int | float | str]]],
            help="Settings that differ for one of a base's experts, by its name.",
        )
        parser.link_arguments("data.base", "model.base")
        parser.link_arguments("model.prior_weight", "data.others", compute_fn=bool)

    @property
    def output(self) -> Output:
        """Where the adapter goes."""
        return Output(**self.config.output.as_dict())

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that was chosen."""
        return json.loads(self.parser.dump(self.config, format="json", skip_none=False))


Finish = Callable[[Adapter], None]


def train(
    arguments: list[str], *, placed: Finish | None = None, finish: Finish | None = None
) -> Adapter:
    """Train as a command line says; returns the finished adapter.

    Args:
        arguments: as LightningCLI takes them.
        placed: is told when the adapter lies in its place.
        finish: what is done to it then. When the command is killed in one of them, the same command
            begins there.

    Raises:
        TrainingError: if a setting does not fit, there is such an adapter already, or the training
            went wrong.
        SubjectError: if the output's name cannot be an adapter's.
    """
    chosen = _read(arguments)
    turns = _turns(chosen, arguments)
    data, output = chosen.datamodule, chosen.output
    name = data.subject.name if output.name is None else output.name
    folder_of(data.home, name)
    for turn in turns:
        _check(turn)
    final, work = data.home / "adapters" / name, data.home / "runs" / name
    identity = identity_of(turns)
    try:
        with alone_in(work):
            if not (_is_placed(work, identity, output) and final.exists()):
                _check_place(final, force=output.force)
                _train(turns, work, identity, final)
            return _finished(Adapter(final), work, placed, finish)
    except Busy as error:
        raise TrainingError(
            f"{work.name!r} is being trained by another command: wait for it, or give another "
            "--output.name."
        ) from error


def _check(turn: TrainingCLI) -> None:
    check_trainer(turn.trainer, turn.settings["trainer"])
    at_least(1, "output", save_every=turn.output.save_every)
    at_least(0, "output", preview_every=turn.output.preview_every)
    turn.model.check_targets()


def _check_place(final: Path, *, force: bool) -> None:
    if final.exists() and not force:
        raise TrainingError(
            f"There is an adapter {final.name!r} already. Render it with 'starring render "
            f"{final.name} PROMPT', train anew with --output.force true, or give another "
            "--output.name."
        )


def _train(turns: list[TrainingCLI], work: Path, identity: str, final: Path) -> None:
    """Train every expert that is not trained yet, and put the adapter in its place."""
    open_run(work, work / _DRAFT, identity, force=turns[0].output.force)
    for left in (_UNFINISHED, _TOLD):
        (work / left).unlink(missing_ok=True)
    try:
        for number, turn in enumerate(turns, 1):
            _run(turn, work, last=number == len(turns))
    finally:
        if not any(work.glob("*.ckpt")) and not trained_experts(work / _DRAFT):
            shutil.rmtree(work, ignore_errors=True)
    (work / _UNFINISHED).touch()
    _replace(work / _DRAFT, final)


def _is_placed(work: Path, identity: str, output: Output) -> bool:
    """Whether a run has placed its adapter, and was killed in what came after."""
    placed = (work / _UNFINISHED).is_file() and not (work / _DRAFT).exists()
    return placed and goes_on(work, identity, force=output.force)


def _finished(
    adapter: Adapter, work: Path, placed: Finish | None, finish: Finish | None
) -> Adapter:
    told = work / _TOLD
    try:
        if placed and not told.exists():
            placed(adapter)
        told.touch()
        if finish:
            finish(adapter)
    except Exception:
        shutil.rmtree(work, ignore_errors=True)
        raise
    shutil.rmtree(work, ignore_errors=True)
    return adapter


def _read(arguments: list[str]) -> TrainingCLI:
    try:
        return TrainingCLI(
            LoraModule,
            SubjectData,
            args=arguments,
            run=False,
            save_config_callback=None,
            seed_everything_default=0,
            trainer_defaults=DEFAULTS,
            parser_kwargs={"exit_on_error": False, "allow_abbrev": False},
        )
    except (AdapterError, BaseModelError, SubjectError):
        raise
    except (ArgumentError, MisconfigurationException, TypeError, ValueError) as error:
        raise TrainingError(
            f"A setting does not fit: {plainly(error)}. 'python -m finetune.train --help' lists "
            "them, and with --model.thrift.help those that save memory."
        ) from error


def _turns(chosen: TrainingCLI, arguments: list[str]) -> list[TrainingCLI]:
    """One for each of the base's experts, with its own settings, or for the one asked for."""
    names = [expert.name for expert in chosen.model.family.experts]
    own = chosen.config.experts or {}
    if names == [""]:
        if own:
            raise TrainingError(
                f"experts names {', '.join(own)}, and the base has one transformer alone: give "
                "these settings as --model.SETTING, or choose another base."
            )
        return [chosen]
    for name in own:
        if name not in names:
            raise TrainingError(f"experts.{name} is none of the base's: {', '.join(names)}.")
    asked_for = chosen.config.model.expert
    return [
        _read(
            [
                *arguments,
                *(f"--{setting}={value}" for setting, value in own.get(name, {}).items()),
                f"--model.expert={name}",
            ]
        )
        for name in ([asked_for] if asked_for else names)
    ]


def _run(turn: TrainingCLI, work: Path, *, last: bool) -> None:
    """Train one expert to its end, if that has not been done, and write it into the draft.

    Raises:
        TrainingStopped: if it was asked to stop before its end, or before the next expert.
    """
    draft, expert = work / _DRAFT, turn.model.expert.name
    draft.mkdir(exist_ok=True)
    if any(done["name"] == expert for done in trained_experts(draft)):
        return
    state = work / f"{expert or 'state'}.ckpt"
    trainer, output, throughput, stop = turn.trainer, turn.output, Throughput(), StopGently()
    export = ExportAdapter(draft, turn.settings, throughput)
    trainer.callbacks += [
        StopUnlessFinite(state),
        Progress(),
        throughput,
        export,
        ResumeState(state, output.save_every),
        Preview(draft / SAMPLES, output.preview_every),
        stop,
    ]
    known = _readable(state) if state.is_file() else None
    cap_memory(trainer.strategy.root_device, turn.model.memory)
    try:
        with fitting(turn.datamodule.base, _LESS_MEMORY):
            trainer.fit(turn.model, datamodule=turn.datamodule, ckpt_path=known, weights_only=True)
    except MisconfigurationException as error:
        raise TrainingError(f"A setting of the trainer does not fit: {plainly(error)}.") from error
    except SystemExit as twice:  # what Lightning makes of a second Ctrl-C
        raise _stopped(trainer, state) from twice
    if trainer.global_step < trainer.max_steps:
        raise _stopped(trainer, state)
    export.write(trainer, turn.model)
    del turn.model.transformer
    turn.datamodule.forget()
    free_memory()
    if stop.asked and not last:
        raise TrainingStopped(
            f"Stopped after the expert {expert!r}. The same command goes on with the next."
        )


def _readable(state: Path) -> Path:
    """A saved state, once it has been seen to be whole.

    Raises:
        TrainingError: if it is not.
    """
    try:
        torch.load(state, map_location="cpu", weights_only=True)
    except (EOFError, OSError, RuntimeError, ValueError, UnpicklingError) as error:
        raise TrainingError(
            f"The saved state {str(state)!r} cannot be read: delete it, and the same command "
            "begins this training from its start."
        ) from error
    return state


def _stopped(trainer: Trainer, state: Path) -> TrainingStopped:
    return TrainingStopped(
        f"Stopped at step {trainer.global_step} of {trainer.max_steps}. The same command goes on "
        + ("from the state that was saved last." if state.is_file() else "from the beginning.")
    )


def _replace(draft: Path, final: Path) -> None:
    private_folder(final.parent)
    old = final.with_name(f".{final.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if final.exists():
        os.replace(final, old)
    os.replace(draft, final)
    shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    import sys

    try:
        print(f"Wrote {train(sys.argv[1:]).folder}.")
    except (AdapterError, BaseModelError, SubjectError) as error:
        sys.exit(f"finetune.train: {error}")
