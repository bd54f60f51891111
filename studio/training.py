"""What `starring train` does: the base's recipe, the training, a measured sample clip."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from bases.catalogue import find_base
from bases.video import write_mp4
from finetune.adapter import REPORT, SAMPLES, Adapter
from finetune.train import train
from inference.likeness import motion
from inference.render import Clip, Renderer
from studio.home import ROOT, StudioError
from studio.printing import say
from studio.quiet import hush
from studio.yardstick import Yardstick, likeness_line
from subjects import Subject

SAMPLE_PROMPT, SAMPLE_SEED = "waving at the beach, close-up", 7


def train_and_measure(
    name: str, *, base: str, config: Path | None, extra: list[str], faces: str | None, home: Path
) -> Adapter:
    """Train a subject's adapter, measure a clip of it and print its likeness.

    Args:
        name: the subject.
        base: name or folder of the base.
        config: a YAML with settings; the base's own recipe if not given.
        extra: more settings, as LightningCLI takes them.
        faces: the face package that measures; the subject's own if None.
        home: where everything lives.
    """
    hush()
    command = arguments(name, base=base, config=config, extra=extra, home=home)
    subject = Subject.load(home, name)
    yardstick = Yardstick(subject, faces) if subject.kind == "person" else None
    adapter = train(command)
    if yardstick:
        _measure(adapter, subject, base, yardstick)
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


def _measure(adapter: Adapter, subject: Subject, base: str, yardstick: Yardstick) -> None:
    renderer = Renderer(find_base(base))
    prompt = f"{subject.called}, {SAMPLE_PROMPT}"
    with renderer.adapter(adapter):
        frames = renderer.render(prompt, Clip(seed=SAMPLE_SEED))
    write_mp4(adapter.folder / SAMPLES / "sample.mp4", frames, fps=renderer.base.fps)
    found = yardstick.likeness(frames)
    report = {
        "prompt": prompt,
        "seed": SAMPLE_SEED,
        "ceiling": yardstick.ceiling,
        "likeness": dataclasses.asdict(found),
        "motion": motion(frames),
    }
    (adapter.folder / REPORT).write_text(json.dumps(report, indent=2) + "\n")
    say(likeness_line(found, yardstick.ceiling, len(frames)))
