"""What `starring train` does: the base's recipe, the training, a measured sample clip."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from bases.catalogue import find_base
from bases.video import write_mp4
from finetune.adapter import REPORT, SAMPLES, Adapter
from finetune.train import train
from inference.likeness import ceiling, clip_embeddings, likeness, motion
from inference.render import Clip, Renderer
from studio.home import ROOT, StudioError
from studio.quiet import hush
from studio.subjects import face_finder
from subjects import Subject

SAMPLE_PROMPT, SAMPLE_SEED = "waving at the beach, close-up", 7


def train_and_measure(
    name: str, *, base: str, config: Path | None, extra: list[str], faces: str, home: Path
) -> Adapter:
    """Train a subject's adapter and measure a clip of it.

    Args:
        name: the subject.
        base: name or folder of the base.
        config: a YAML with settings; the base's own recipe if not given.
        extra: more settings, as LightningCLI takes them.
        faces: the face package that measures.
        home: where everything lives.
    """
    hush()
    adapter = train(arguments(name, base=base, config=config, extra=extra, home=home))
    subject = Subject.load(home, name)
    if subject.kind == "person":
        _measure(adapter, subject, base, faces)
    return adapter


def arguments(
    name: str, *, base: str, config: Path | None, extra: list[str], home: Path
) -> list[str]:
    """The command line of `finetune.train` for a subject.

    Raises:
        StudioError: if the YAML does not exist.
    """
    known = find_base(base)
    Subject.load(home, name)
    recipe = config or ROOT / "configs" / "finetune" / f"{known.name}.yaml"
    if config is not None and not config.is_file():
        raise StudioError(f"There is no file {str(config)!r}: give --config a YAML.")
    chosen = [f"--config={recipe}"] if recipe.is_file() else []
    return [*chosen, f"--data.subject={name}", f"--data.home={home}", f"--data.base={base}", *extra]


def _measure(adapter: Adapter, subject: Subject, base: str, faces: str) -> None:
    renderer = Renderer(find_base(base))
    prompt = f"{subject.called}, {SAMPLE_PROMPT}"
    with renderer.adapter(adapter):
        frames = renderer.render(prompt, Clip(seed=SAMPLE_SEED))
    write_mp4(adapter.folder / SAMPLES / "sample.mp4", frames, fps=renderer.base.fps)
    finder = face_finder(faces)
    photos = subject.face_embeddings(finder)
    report = {
        "prompt": prompt,
        "seed": SAMPLE_SEED,
        "ceiling": ceiling(photos),
        "likeness": dataclasses.asdict(likeness(clip_embeddings(frames, finder), photos)),
        "motion": motion(frames),
    }
    (adapter.folder / REPORT).write_text(json.dumps(report, indent=2) + "\n")
