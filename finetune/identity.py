"""What decides how a run ends, by which a stopped one is told from another and gone on with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bases.files import whole_file
from bases.fingerprint import fingerprint
from finetune.callbacks import trained_experts
from finetune.errors import TrainingError
from finetune.examples import photos_digest
from finetune.teacher import digest_of
from subjects.files import file_digest
from subjects.privacy import private_folder

if TYPE_CHECKING:
    from finetune.train import TrainingCLI

_CONFIG, _FORCED = "config.json", "forced"
_NAMED = 5
_DIGESTS = {
    "photos": "the photos or their captions were others",
    "base": "the base was another",
    "teacher": "the teacher was another",
    "segmenter": "the segmenter was another",
    "training adapter": "the training adapter was another",
}
"""What is told apart by a hash, which says nothing to a reader."""


def identity_of(turns: Sequence[TrainingCLI]) -> str:
    """The settings of each expert's turn, whom it learns from what, and on which base."""
    return json.dumps([_identity(turn) for turn in turns], sort_keys=True, default=str)


def _identity(turn: TrainingCLI) -> dict[str, Any]:
    data, settings = turn.datamodule, turn.settings
    for name in ("home", "base"):  # the same ones may be spelled in many ways
        for part in ("data", "model"):
            settings[part].pop(name, None)
    helper, segmenter = turn.model.training_adapter, data.segmenter
    return {
        **{part: settings[part] for part in ("data", "model", "trainer")},
        "seed_everything": settings["seed_everything"],
        "called": data.subject.called,
        "photos": photos_digest(data.subject),
        "base": data.base.fingerprint,
        "teacher": digest_of(data.teacher) if data.teacher else None,
        "segmenter": fingerprint(str(segmenter), ".") if segmenter else None,
        "training adapter": file_digest(helper) if helper else None,
    }


def goes_on(work: Path, said: str, *, force: bool) -> bool:
    """Whether the run in a folder is the one that a command began.

    One that is to begin anew goes on with a run that was begun so already: it is the same command,
    given again because it was killed.

    Args:
        work: the run's folder.
        said: the identity of the run that is asked for.
        force: whether it is to begin anew.
    """
    return _said_in(work) == said and (not force or (work / _FORCED).exists())


def _said_in(work: Path) -> str:
    kept = work / _CONFIG
    return kept.read_text(errors="replace") if kept.is_file() else ""


def open_run(work: Path, draft: Path, said: str, *, force: bool) -> None:
    """Keep what an earlier run left that goes on, or begin one.

    Args:
        work: the run's folder.
        draft: the adapter's in it, while it is trained.
        said: the identity of the run that begins or goes on.
        force: whether one that does not go on is cleared away.

    Raises:
        TrainingError: if there is such a one, and it is not to be cleared away.
    """
    if goes_on(work, said, force=force):
        return
    if not force and (any(work.glob("*.ckpt")) or trained_experts(draft)):
        raise TrainingError(
            f"A training of {work.name!r} was stopped under other settings: "
            f"{_differences(_said_in(work), said)}. Give those again, and it goes on; give "
            "--output.force true, and it begins anew with these; or give another --output.name."
        )
    shutil.rmtree(work, ignore_errors=True)
    private_folder(work)
    if force:
        (work / _FORCED).touch()
    with whole_file(work / _CONFIG) as partial:
        partial.write_text(said)


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
        _DIGESTS.get(name, f"{name} was {value}")
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
