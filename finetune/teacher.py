"""Clips that one adapter of a subject draws, from which another learns.

An adapter that was trained as usual draws its subject in every shot and place, whoever the prompt
names. One that begins by hearing the subject's name alone (`finetune.gate`) leaves others as they
are, but finds the subject only where photos have shown it. So the first draws what photos lack, and
the second learns from that too.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from bases.catalogue import Base
from bases.family import Family
from finetune.adapter import Adapter
from finetune.errors import TrainingError
from finetune.examples import Example, load_examples, save_examples
from finetune.preservation import draw_examples, prompts, under_name
from subjects import Subject


def find_teacher(name: str, home: Path, subject: Subject, base: Base) -> Adapter:
    """An adapter of the same subject on the same base.

    Raises:
        TrainingError: if there is none of that name, or it is another subject's.
        WrongBase: if it was trained on another base.
        BrokenAdapter: if it cannot be read.
    """
    teacher = Adapter(home / "adapters" / name)
    if not teacher.folder.is_dir():
        raise TrainingError(
            f"data.teacher={name!r}: there is no such adapter. Train one of the subject first, "
            f"with 'starring train {subject.name}'."
        )
    taught = teacher.run["subject"]
    if (taught["name"], taught["trigger"]) != (subject.name, subject.trigger):
        raise TrainingError(
            f"data.teacher={name!r} is an adapter of {taught['name']!r}, called "
            f"{taught['trigger']!r}, and not of {subject.name!r}, called {subject.trigger!r}: give "
            "another, or train it again."
        )
    teacher.check(base.fingerprint, base.name)
    return teacher


def digest_of(teacher: Adapter) -> str:
    """Twelve hex digits that change with the adapter's weights."""
    digest = hashlib.sha256()
    for path in teacher.files.values():
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def taught_examples(
    teacher: Adapter,
    base: Base,
    family: Family,
    subject: Subject,
    *,
    count: int,
    dtype: torch.dtype,
    device: torch.device,
) -> list[Example]:
    """Clips of the subject as an adapter draws them, drawn once and kept with the photos.

    Args:
        teacher: the adapter.
        base: that it was trained on.
        family: the same base, to load.
        subject: whom it draws.
        count: how many clips.
        dtype: of the base.
        device: of the base.
    """
    noun = subject.class_noun
    generic = prompts(count, noun, subject.kind)
    wanted = [under_name(prompt, noun, subject.called) for prompt in generic]
    settings: dict[str, object] = {
        "drawn by": base.fingerprint_of_all,
        "teacher": digest_of(teacher),
        "prompts": wanted,
        "clip": [base.frames, base.height, base.width],
    }
    path = subject.folder / "cache" / f"taught-{base.name}.safetensors"
    kept = load_examples(path, settings)
    if kept is not None:
        return kept
    examples = draw_examples(base, family, wanted, adapter=teacher, dtype=dtype, device=device)
    save_examples(path, examples, settings)
    return examples
