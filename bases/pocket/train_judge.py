"""Train the judge that scores clips, on individuals that no other training has drawn.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 \
        -m bases.pocket.train_judge --shape configs/pocket/128.yaml --out runs/judge

That is for two CPU cores; one GPU wants `python` in torchrun's place, draws by itself, and has
room for more at once, such as `--watched 64 --portrayed 128 --renewed 20`. Run it again to go on
where it stopped. It ends with `runs/judge/judge.safetensors`, and prints how well the judge does on
clips that it never saw.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from jsonargparse.typing import NonNegativeInt, PositiveFloat, PositiveInt
from torch import Generator, Tensor

from bases.pocket.crew import crew_rank, crew_seed, join_crew, share_gradients
from bases.pocket.judge.examples import Examples, examples, packed
from bases.pocket.judge.losses import portrait_losses, watching_losses
from bases.pocket.judge.lots import Lots
from bases.pocket.judge.network import Judge, load_judge, save_judge
from bases.pocket.judge.portraitist import SIDE
from bases.pocket.judge.report import report
from bases.pocket.judge.watcher import SIZE
from bases.pocket.judge.windows import true_windows
from bases.pocket.muon import optimizers_for
from bases.pocket.shape import PocketShape
from bases.pocket.training import (
    CPU,
    Run,
    Stateful,
    autocast,
    averaged,
    best_device,
    descend,
)
from bases.scripts import run_script

_SEED = 50_000_000
_ALIKE = (0.6, 0.8, 0.9)
"""What the look-alikes of everybody in stills share with them: who is to be known among the
nearest of a thousand must be told from closer ones than chance brings together."""


def train_judge(
    shape: PocketShape,
    out: Path = Path("runs/judge"),
    *,
    init: Path | None = None,
    steps: PositiveInt = 3000,
    minutes: PositiveFloat | None = None,
    watched: NonNegativeInt = 8,
    portrayed: NonNegativeInt = 32,
    lots: PositiveInt = 400,
    renewed: NonNegativeInt = 0,
    makers: NonNegativeInt = 0,
    rate: PositiveFloat = 1e-3,
    seed: NonNegativeInt = 0,
) -> None:
    """Train the judge.

    Args:
        shape: of the clips, and the world that they are drawn from.
        out: where the run is kept.
        init: a file of weights to go on from, such as `bases/pocket/weights/judge.safetensors`.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        watched: individuals a step of each process whose clips are watched, two each; 0 lets that
            half of the judge rest.
        portrayed: individuals a step of each process who are looked at closely in stills, two each;
            a multiple of four, for three of four look like the first, and 0 likewise.
        lots: batches of clips that each process draws beforehand, and as many of stills; 1 GB
            for the 400 of the shape of two cores, about 2 GB at full size.
        renewed: steps after which a new lot of each takes the oldest one's place, time and again;
            0 for never.
        makers: other processes that draw them, each on a core; 0 for this one alone, which draws on
            its GPU if it has one.
        rate: peak learning rate.
        seed: from 0 to 4; a run with another one sees other examples.
    """
    _check(watched, portrayed)
    join_crew()
    torch.manual_seed(0)
    device = best_device()
    judge = (Judge() if init is None else load_judge(init)).to(device).train()
    judge.watcher.requires_grad_(watched > 0)
    judge.portraitist.requires_grad_(portrayed > 0)
    average = averaged(judge, 0.998)
    optimizers = optimizers_for(judge, rate)
    parts: dict[str, Stateful] = {"judge": judge, "average": average, **optimizers}
    run = Run(out, steps=steps, minutes=minutes, parts=parts)
    draws = CPU if makers else device
    drawn = partial(Lots, makers=makers, seed=seed, device=device)
    clips = drawn(partial(clips_of, watched, shape, draws), lots if watched else 0)
    stills = drawn(partial(stills_of, portrayed, shape, draws), lots if portrayed else 0)
    if not renewed:
        clips.close()
        stills.close()
    for step in run:
        generator = Generator().manual_seed(_SEED + crew_seed(step, seed))
        rng = random.Random(crew_seed(step, seed))
        errors: dict[str, Tensor] = {}
        if clips:
            errors |= _watching(judge, clips.some(rng))
        if stills:
            errors |= _portraying(judge, stills.some(rng), generator)
        torch.stack(list(errors.values())).sum().backward()
        share_gradients([weight for weight in judge.parameters() if weight.requires_grad])
        descend(optimizers, run.rate(rate))
        average.update_parameters(judge)
        if step % 20 == 19:
            run.log(step + 1, **{name: loss.item() for name, loss in errors.items()})
        if renewed and (step + 1) % renewed == 0:
            clips.renew()
            stills.renew()
    clips.close()
    stills.close()
    if crew_rank() > 0:
        return
    run.plot()
    judge.load_state_dict(average.module.state_dict())
    save_judge(judge, out / "judge.safetensors")
    print(report(judge.eval(), shape))
    print(f"Wrote {out / 'judge.safetensors'}.")


def _check(watched: int, portrayed: int) -> None:
    if not watched and not portrayed:
        raise SystemExit("watched and portrayed are both 0: then nothing is left to learn.")
    if portrayed % (family := 1 + len(_ALIKE)):
        raise SystemExit(f"portrayed={portrayed}: give a multiple of {family}, such as 32.")


def clips_of(individuals: int, shape: PocketShape, device: torch.device, seed: int) -> Examples:
    """Packed clips of individuals of one kind, no larger than the watcher brings them to."""
    generator, rng = Generator().manual_seed(_SEED + seed), random.Random(seed)
    kind = rng.choice(shape.world.kind)
    size = min(shape.size, SIZE)
    own = replace(shape, size=size)
    return packed(examples(individuals, own, generator, device=device, kind=kind))


def stills_of(individuals: int, shape: PocketShape, device: torch.device, seed: int) -> Examples:
    """Packed stills, most of them near and with a face, where there is the most to learn.

    Half of the lots are of half the size, where that is the portraitist's own or more: what is not
    drawn sharply is judged too.
    """
    generator, rng = Generator().manual_seed(_SEED + seed), random.Random(seed)
    world = shape.world
    named = {
        "kind": rng.choice(world.kind),
        "shot": rng.choice((*world.shot, "close-up", "close-up", "medium")),
        "view": rng.choice((*world.view, "front", "front", "three-quarter")),
    }
    size = rng.choice([shape.size, max(shape.size // 2, min(shape.size, SIDE))])
    own = replace(shape, size=size)
    drawn = examples(individuals, own, generator, alike=_ALIKE, frames=1, device=device, **named)
    return packed(drawn)


def _watching(judge: Judge, shown: Examples) -> dict[str, Tensor]:
    with autocast(shown.clips.device):
        seen = judge.watcher(shown.clips)
    return watching_losses(seen, shown)


def _portraying(judge: Judge, shown: Examples, generator: Generator) -> dict[str, Tensor]:
    kind = shown.scene.named("kind", 0)
    windows = true_windows(shown.truth, kind, shown.clips.shape[-1], generator)
    with autocast(shown.clips.device):
        seen = judge.portraits(shown.clips, windows)
    return portrait_losses(seen, shown)


if __name__ == "__main__":
    run_script(train_judge)
