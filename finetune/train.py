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
import re
import shutil
from argparse import ArgumentError
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from pytorch_lightning import Trainer
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from bases.errors import BaseModelError
from bases.files import whole_file
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
from finetune.examples import free_memory, photos_digest
from finetune.limits import at_least
from finetune.module import LoraModule
from finetune.teacher import digest_of
from subjects import SubjectError
from subjects.locks import Busy, alone_in
from subjects.privacy import private_folder
from subjects.subject import folder_of

_DRAFT, _CONFIG, _UNFINISHED, _TOLD = "adapter", "config.json", "unfinished", "told"
_NAMED = 5
_LESS_MEMORY = (
    "Give a smaller --data.side, fewer --data.photos, --data.held 0, --data.clips 0, "
    "--data.relit false and --data.surroundings false, or choose a smaller base: 'starring bases' "
    "lists them."
)


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


_TRAINER_DEFAULTS: dict[str, Any] = {
    "max_steps": 1000,
    "devices": 1,
    "logger": False,
    "gradient_clip_val": 1.0,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


Step = Callable[[Adapter], None]


def train(
    arguments: list[str], *, placed: Step | None = None, finish: Step | None = None
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
        at_least(1, max_steps=turn.trainer.max_steps, save_every=turn.output.save_every)
        at_least(0, preview_every=turn.output.preview_every)
    final, work = data.home / "adapters" / name, data.home / "runs" / name
    identity = json.dumps([_identity(turn) for turn in turns], sort_keys=True, default=str)
    try:
        with alone_in(work):
            if not _is_unfinished(work, identity) or output.force or not final.exists():
                _check_place(final, force=output.force)
                _train(turns, work, identity, final)
            return _finished(Adapter(final), work, placed, finish)
    except Busy as error:
        raise TrainingError(
            f"{work.name!r} is being trained by another command: wait for it, or give another "
            "--output.name."
        ) from error


def _check_place(final: Path, *, force: bool) -> None:
    if final.exists() and not force:
        raise TrainingError(
            f"There is an adapter {final.name!r} already. Render it with 'starring render "
            f"{final.name} PROMPT', train anew with --output.force true, or give another "
            "--output.name."
        )


def _train(turns: list[TrainingCLI], work: Path, identity: str, final: Path) -> None:
    """Train every expert that is not trained yet, and put the adapter in its place."""
    _open_run(work, identity, force=turns[0].output.force)
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


def _is_unfinished(work: Path, identity: str) -> bool:
    """Whether a run has placed its adapter, and was killed in what came after."""
    placed = (work / _UNFINISHED).is_file() and not (work / _DRAFT).exists()
    return placed and _said_in(work) == identity


def _finished(adapter: Adapter, work: Path, placed: Step | None, finish: Step | None) -> Adapter:
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
            trainer_defaults=_TRAINER_DEFAULTS,
            parser_kwargs={"exit_on_error": False},
        )
    except (AdapterError, BaseModelError, SubjectError):
        raise
    except (ArgumentError, MisconfigurationException, TypeError, ValueError) as error:
        raise TrainingError(
            f"A setting does not fit: {_plainly(error)}. "
            "'python -m finetune.train --help' lists them all."
        ) from error


def _plainly(error: Exception) -> str:
    """What the parser found wrong, without what else it tried."""
    said = " ".join(str(error).split())
    said = re.sub(r"Does not validate against any of the Union subtypes.* Errors: - ", "", said)
    said = re.sub(r"Problem with given class_path '[^']*': ", "", said)
    said, _, given = said.partition(" - Expected a <class 'NoneType'> Given value type: ")
    if given and "Got value" not in said:
        said += f". Got value: {given.partition(' Given value: ')[2]}"
    return said[:300].rstrip(".")


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
        Preview(draft / SAMPLES, output.preview_every),
        export,
        ResumeState(state, output.save_every),
        stop,
    ]
    known = state if state.is_file() else None
    cap_memory(trainer.strategy.root_device, turn.model.memory)
    try:
        with fitting(turn.datamodule.base, _LESS_MEMORY):
            trainer.fit(turn.model, datamodule=turn.datamodule, ckpt_path=known, weights_only=True)
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


def _stopped(trainer: Trainer, state: Path) -> TrainingStopped:
    return TrainingStopped(
        f"Stopped at step {trainer.global_step} of {trainer.max_steps}. The same command goes on "
        + ("from the state that was saved last." if state.is_file() else "from the beginning.")
    )


def _identity(turn: TrainingCLI) -> dict[str, Any]:
    """What decides how a run ends: its settings, whom it learns from what, and on which base."""
    data, settings = turn.datamodule, turn.settings
    for name in ("home", "base"):  # the same ones may be spelled in many ways
        for part in ("data", "model"):
            settings[part].pop(name, None)
    return {
        **{part: settings[part] for part in ("data", "model", "trainer")},
        "seed_everything": settings["seed_everything"],
        "called": data.subject.called,
        "photos": photos_digest(data.subject),
        "base": data.base.fingerprint,
        "teacher": digest_of(data.teacher) if data.teacher else None,
    }


def _open_run(work: Path, said: str, *, force: bool) -> None:
    """Keep what an earlier run of the same identity left.

    Raises:
        TrainingError: if another one left something, which is cleared away by force alone.
    """
    before = _said_in(work)
    if before == said:
        return
    if not force and (any(work.glob("*.ckpt")) or trained_experts(work / _DRAFT)):
        raise TrainingError(
            f"A training of {work.name!r} was stopped under other settings: "
            f"{_differences(before, said)}. Give those again, and it goes on; give "
            "--output.force true, and it begins anew with these; or give another --output.name."
        )
    shutil.rmtree(work, ignore_errors=True)
    private_folder(work)
    with whole_file(work / _CONFIG) as partial:
        partial.write_text(said)


def _said_in(work: Path) -> str:
    """The identity of the run that stands in a folder; empty if there is none."""
    kept = work / _CONFIG
    return kept.read_text() if kept.is_file() else ""


def _differences(before: str, now: str) -> str:
    """What was set otherwise, of each the name and the value before."""
    try:
        turns = [
            [dict(_settings_in(turn)) for turn in pair]
            for pair in zip(json.loads(before), json.loads(now), strict=False)
        ]
    except (TypeError, ValueError):
        return "they can no longer be read"
    named = dict.fromkeys(
        f"{name} was {value}"
        for old, new in turns
        for name, value in old.items()
        if new.get(name) != value
    )
    return ", ".join(list(named)[:_NAMED]) or "more was set than now, or less"


def _settings_in(said: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every single setting by its name, such as "model.lr"."""
    if isinstance(said, dict):
        for key, value in said.items():
            yield from _settings_in(value, f"{name}.{key}".lstrip("."))
    else:
        yield name, json.dumps(said)


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

    print(f"Wrote {train(sys.argv[1:]).folder}.")
