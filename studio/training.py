"""What `starring train` does: the base's recipe, the training, a measured sample clip."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from bases.catalogue import Base
from bases.files import whole_file
from bases.hub import open_base
from bases.video import write_mp4
from finetune.adapter import REPORT, SAMPLES, Adapter
from finetune.sample import SAMPLE_SEED, sample_prompt
from finetune.train import train
from inference.clip import Clip
from inference.likeness import motion
from inference.render import Renderer
from studio.home import ROOT, StudioError
from studio.licences import ask
from studio.printing import say
from studio.quiet import hush
from studio.rendering import shown_to
from studio.yardstick import Yardstick, likeness_line, yardstick_of
from subjects import Subject, note
from subjects.records import parse_yaml

_TOLD = {"subject": "the name after 'train'", "home": "--home", "base": "--base"}
"""Settings of the data that the command gives itself, and how."""
_SECTIONS = ("model", "data", "trainer", "output", "experts")


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
    yardstick = yardstick_of(subject, faces)

    def measure(adapter: Adapter) -> None:
        _measure(adapter, subject, base, yardstick)

    def log(adapter: Adapter) -> None:
        note(home, subject.folder, "trained", adapter=adapter.folder.name, base=base)

    return train(command, placed=log, finish=measure)


def arguments(
    name: str, *, base: str, config: Path | None, extra: list[str], home: Path
) -> list[str]:
    """The command line of `finetune.train` for a subject.

    Raises:
        StudioError: if the YAML is missing or no recipe, or a setting says what the command says.
    """
    Subject.load(home, name)
    ask(base)
    known = open_base(base)
    own = {"subject": name, "home": str(home), "base": base}
    recipe = config or recipe_of(known)
    written = {} if config is None else _said_in(config).get("data") or {}
    for setting, told in _TOLD.items():
        if setting in written or any(e.partition("=")[0] == f"--data.{setting}" for e in extra):
            raise StudioError(f"data.{setting} is given by {told}: leave it out.")
    chosen = [f"--config={recipe}"] if recipe.is_file() else []
    if not chosen:
        say(
            f"Note: there is no recipe for the base {known.name!r}, so that plain settings are "
            "used: give those of a base like it with --config, such as a copy of one in "
            f"{str(recipe.parent)!r}."
        )
    said = [f"--data.{setting}={value}" for setting, value in own.items()]
    if any(setting.endswith(".help") for setting in extra):  # what came after it would not be known
        return [*chosen, *said, *extra]
    return [*chosen, *extra, *said]


def recipe_of(base: Base) -> Path:
    """The YAML that is used for a base if no other is given; of some there is none."""
    return ROOT / "configs" / "finetune" / f"{base.name}.yaml"


def _said_in(path: Path) -> dict[str, Any]:
    """The settings of a YAML; what is none is refused by the file's name."""
    if not path.is_file():
        raise StudioError(f"There is no file {str(path)!r}: give --config a YAML.")
    try:
        said = parse_yaml(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise StudioError(f"{str(path)!r} is no YAML that can be read ({error}).") from error
    if not all(isinstance(said.get(section, {}), dict) for section in _SECTIONS):
        raise StudioError(
            f"{str(path)!r} is no recipe: it holds settings under {', '.join(_SECTIONS)}, such as "
            "'model:' and beneath it '  lr: 1.0e-4'."
        )
    return said


def _measure(adapter: Adapter, subject: Subject, base: str, yardstick: Yardstick | None) -> None:
    opened = open_base(base)
    renderer = Renderer(opened)
    prompt = sample_prompt(subject)
    shown = shown_to(opened, adapter, subject.folder.parents[1])
    with renderer.adapter(adapter):
        frames = renderer.render(prompt, Clip(seed=SAMPLE_SEED), shown)
    write_mp4(adapter.folder / SAMPLES / "sample.mp4", frames, fps=renderer.base.fps)
    report = {"prompt": prompt, "seed": SAMPLE_SEED, "motion": motion(frames)}
    if yardstick:
        found = yardstick.likeness(frames)
        report |= {"ceiling": yardstick.ceiling, "likeness": dataclasses.asdict(found)}
        say(likeness_line(found, yardstick.ceiling, len(frames)))
    with whole_file(adapter.folder / REPORT) as partial:
        partial.write_text(json.dumps(report, indent=2) + "\n")
