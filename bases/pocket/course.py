"""A course of lessons from beginning to end, which the transformer's trainings share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Generator, Tensor, nn

from bases.pocket.crew import crew_rank, crew_seed, share_gradients
from bases.pocket.lessons import Ask, Lessons
from bases.pocket.muon import optimizers_for
from bases.pocket.replay import replayed
from bases.pocket.training import Run, averaged, descend


def take_course(
    lessons: Lessons,
    model: Any,
    ask: Ask,
    write: Callable[[nn.Module, Path], None],
    *,
    out: Path,
    steps: int,
    minutes: float | None,
    rate: float,
    decay: float,
    compiled: bool,
) -> None:
    """Train a transformer, or go on where it stopped.

    Args:
        lessons: what is shown in a step.
        model: the transformer.
        ask: what it is asked about stills and clips.
        write: makes a base with the average of its weights in a folder of `out`, by the first
            process, at each saved state.
        out: where the run is kept.
        steps: how many steps.
        minutes: that they may take; no limit if not given.
        rate: peak learning rate.
        decay: of the average.
        compiled: whether its blocks are compiled.
    """
    average = averaged(model, decay)
    if compiled:
        model.compile_repeated_blocks(dynamic=False)
    optimizers = optimizers_for(model, rate)
    parts = {"model": model, "average": average, **optimizers}
    run = Run(out, steps=steps, minutes=minutes, parts=parts)
    known = lessons.known
    known.fill()

    def learn(generator: Generator) -> dict[str, Tensor]:
        return lessons.learn(model, ask, generator)

    learn_from = replayed(model, known.device, learn)
    for step in run:
        known.grow(step)
        losses = learn_from(crew_seed(step, known.stream.seed))
        share_gradients(model.parameters())
        descend(optimizers, run.rate(rate))
        average.update_parameters(model)
        if step % 20 == 19:
            run.log(step + 1, **losses, **known.sizes())
        if run.has_saved and run.progress < 1 and crew_rank() == 0:
            write(average.module, out / "pocket")
    if crew_rank() == 0:
        run.plot()
        write(average.module, out / "pocket")
        print(f"Wrote {out / 'pocket'}.")
