"""Lightning's own settings: what they are if not given, and which of them fit here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytorch_lightning import Trainer

from finetune.errors import TrainingError
from finetune.limits import at_least

DEFAULTS: dict[str, Any] = {
    "max_steps": 1000,
    "devices": 1,
    "logger": False,
    "gradient_clip_val": 1.0,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def check_trainer(trainer: Trainer, settings: dict[str, Any]) -> None:
    """Refuse what would end in nothing, in an error after hours, or in files that nobody finds.

    Args:
        trainer: as the settings made it.
        settings: of the section "trainer".

    Raises:
        TrainingError: for the first setting that does not fit.
    """
    at_least(1, "trainer", max_steps=trainer.max_steps)
    at_least(1, "trainer", accumulate_grad_batches=trainer.accumulate_grad_batches)
    at_least(0, "trainer", gradient_clip_val=trainer.gradient_clip_val or 0)
    for name, why in _faults(trainer, settings):
        raise TrainingError(f"trainer.{name}={settings[name]!r} does not fit: {why}")


def _faults(trainer: Trainer, settings: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings that do not fit, each with why and what to do."""
    precision = str(trainer.precision)
    if precision.endswith("-true") and precision != "32-true":
        yield (
            "precision",
            "what learns is kept in float32. Leave it at 32-true, or give bf16-mixed, which "
            "computes in bfloat16.",
        )
    if trainer.num_devices != 1:
        yield "devices", "one adapter is trained on one device. Give 1, and [1] for the second GPU."
    if trainer.num_nodes != 1:
        yield "num_nodes", "one adapter is trained on one machine. Give 1."
    limit = settings["limit_train_batches"]
    if limit == 0 or (isinstance(limit, float) and limit != 1):
        yield "limit_train_batches", "photos come again without end. Give a number of steps."
    if settings["max_epochs"] not in (None, -1):
        yield "max_epochs", "photos come again without end. Say how long with trainer.max_steps."
    if settings["max_time"] is not None:
        yield "max_time", "a run that it ended could not be gone on with. Stop it with Ctrl-C."
    if settings["fast_dev_run"]:
        yield "fast_dev_run", "it would pass for a training. Give a small trainer.max_steps."
    if settings["overfit_batches"]:
        yield "overfit_batches", "what is seen is a matter of data.photos and data.clips."
    if settings["logger"] is True:
        yield (
            "logger",
            "its files would lie in the current folder. Name one and where it writes, such as "
            "--trainer.logger CSVLogger --trainer.logger.save_dir FOLDER.",
        )
    if settings["enable_checkpointing"]:
        yield (
            "enable_checkpointing",
            "states are saved among the runs already, where a deletion finds them. Leave it out, "
            "and say how often with output.save_every.",
        )
