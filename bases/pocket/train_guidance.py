"""Teach a base to draw without guidance what it draws with it.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 \
        -m bases.pocket.train_guidance --shape configs/pocket/64.yaml \
        --base runs/transformer/pocket --out runs/guidance

Classifier-free guidance makes a base do what it is told, but it asks the base twice a step, and
overdoes an adapter's subject as it does the prompt's words. Here the transformer learns the guided
flow as its own (the first stage of Meng et al., "On Distillation of Guided Diffusion Models", 2023,
at one scale). It ends with `runs/guidance/pocket/`.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from bases.objective import FlowMatching
from bases.pocket.course import take_course
from bases.pocket.crew import join_crew
from bases.pocket.flow import flow, flow_change, heard, noised
from bases.pocket.lessons import Lessons
from bases.pocket.parts import load_transformer
from bases.pocket.pool import LatentPool, open_pool
from bases.pocket.shape import PocketShape
from bases.pocket.stream import Kind
from bases.pocket.train_transformer import assemble
from bases.pocket.training import run_script
from bases.wan import embed_tokens


def train_guidance(
    shape: PocketShape,
    base: Path,
    out: Path = Path("runs/guidance"),
    *,
    pool: int = 1200,
    room: int | None = None,
    makers: int = 0,
    seed: int = 0,
    **learning: Any,
) -> None:
    """Draw, and train the transformer; the text encoder and the VAE stay.

    Args:
        shape: how large Pocket is.
        base: the folder of a base that was trained without.
        out: where the run is kept.
        pool: clips that each process draws and encodes beforehand; of stills there are sixteen
            times as many, of pairs that differ in the expression alone five times.
        room: for clips in the pool, where makers go on drawing; as many as `pool` if None.
        makers: other processes that draw; 0 for this one alone.
        seed: from 0 to 4; a run with another one sees other examples.
        learning: see `learn_guidance`.
    """
    join_crew()
    known = open_pool(shape, base / "vae", base, pool, room, makers=makers, seed=seed)
    learn_guidance(shape, known, base, out, **learning)


def learn_guidance(
    shape: PocketShape,
    known: LatentPool,
    base: Path,
    out: Path,
    *,
    guidance: float = 3.0,
    steps: int = 400,
    minutes: float | None = None,
    stills: int = 12,
    clips: int = 6,
    pairs: int = 12,
    rate: float = 3e-4,
    pair_weight: float = 20.0,
    compiled: bool = False,
) -> None:
    """Train the transformer on a pool.

    Args:
        shape: how large Pocket is.
        known: what it learns from.
        base: the folder of a base that was trained without.
        out: where the run is kept.
        guidance: the scale that is learnt.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        stills: pictures a step of each process.
        clips: clips a step of each process.
        pairs: of stills a step of each process that differ in the expression alone; 0 for none, as
            in a world without people.
        rate: peak learning rate.
        pair_weight: what the difference between the two of a pair counts; see `contrast_error`.
        compiled: whether the transformer's blocks are compiled.
    """
    model = load_transformer(base).to(known.device)
    teacher = copy.deepcopy(model).requires_grad_(False)
    objective = FlowMatching(shift=3.0)
    unprompted = embed_tokens(known.text, known.nothing)

    def error_of(_: Kind, latents: Tensor, tokens: Tensor, generator: Generator) -> Tensor:
        noisy, _noise, sigmas = noised(objective, latents, generator)
        words = heard(known.text, tokens)
        return guidance_error(model, teacher, noisy, sigmas, words, unprompted, guidance)

    def change_error_of(
        _: Kind, first: Tensor, second: Tensor, tokens: Tensor, generator: Generator
    ) -> Tensor:
        noisy, _noise, sigmas = noised(objective, (first + second) / 2, generator)
        words = heard(known.text, tokens)
        return change_error(model, teacher, noisy, sigmas, words, guidance)

    lessons = Lessons(
        known,
        stills=stills,
        clips=clips,
        pairs={"expressions": (pairs, pair_weight)},
    )
    take_course(
        lessons,
        model,
        error_of,
        change_error_of,
        lambda learnt, folder: assemble(learnt, known.text, shape, base / "vae", folder),
        out=out,
        steps=steps,
        minutes=minutes,
        rate=rate,
        decay=0.99,
        compiled=compiled,
    )


def guidance_error(
    transformer: nn.Module,
    teacher: nn.Module,
    noisy: Tensor,
    sigmas: Tensor,
    words: Tensor,
    unprompted: Tensor,
    guidance: float,
) -> Tensor:
    """Squared error against the teacher's guided flow, (B, C, F, H, W); see `guided_flow`."""
    with torch.no_grad():
        wanted = guided_flow(teacher, noisy, sigmas, words, unprompted, guidance)
    return (flow(transformer, noisy, sigmas, words) - wanted).square()


def change_error(
    transformer: nn.Module,
    teacher: nn.Module,
    noisy: Tensor,
    sigmas: Tensor,
    words: Tensor,
    guidance: float,
) -> Tensor:
    """Squared error of the change that another word makes, (B, C, F, H, W), against the teacher's.

    Guidance multiplies it: what is asked without words falls away.

    Args:
        transformer: learns.
        teacher: makes the change.
        noisy: latents in noise (B, C, F, H, W).
        sigmas: the noise levels (B,).
        words: embedded prompts (2 × B, L, D), of the first ones, then of the second ones.
        guidance: the scale.
    """
    with torch.no_grad():
        wanted = guidance * flow_change(teacher, noisy, sigmas, words)
    return (flow_change(transformer, noisy, sigmas, words) - wanted).square()


def guided_flow(
    teacher: nn.Module,
    noisy: Tensor,
    sigmas: Tensor,
    words: Tensor,
    unprompted: Tensor,
    guidance: float,
) -> Tensor:
    """What classifier-free guidance makes of a transformer's flow (B, C, F, H, W).

    Ho and Salimans, "Classifier-Free Diffusion Guidance" (2022).

    Args:
        teacher: the transformer.
        noisy: latents in noise.
        sigmas: the noise levels (B,).
        words: embedded prompts (B, L, D).
        unprompted: the embedding of an empty prompt (1, L, D).
        guidance: the scale; 1 for none.
    """
    plain = flow(teacher, noisy, sigmas, unprompted.expand(len(noisy), -1, -1))
    return torch.lerp(plain, flow(teacher, noisy, sigmas, words), guidance)


if __name__ == "__main__":
    run_script(train_guidance)
