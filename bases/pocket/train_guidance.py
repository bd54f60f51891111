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
from bases.pocket.flow import Question, flow, heard, noised
from bases.pocket.lessons import Contrasts, Lessons
from bases.pocket.parts import load_transformer
from bases.pocket.pool import PLENTY, LatentPool, Supply, open_pool
from bases.pocket.shape import PocketShape
from bases.pocket.stream import Kind
from bases.pocket.train_transformer import FACES_FIRST, assemble
from bases.pocket.training import attention, autocast
from bases.scripts import run_script
from bases.wan import embed_tokens


def train_guidance(
    shape: PocketShape,
    base: Path,
    out: Path = Path("runs/guidance"),
    *,
    contrasts: Contrasts = FACES_FIRST,
    supply: Supply = PLENTY,
    **learning: Any,
) -> None:
    """Draw, and train the transformer; the text encoder and the VAE stay.

    Args:
        shape: how large Pocket is.
        base: the folder of a base that was trained without.
        out: where the run is kept.
        contrasts: pairs that it learns from too.
        supply: what is drawn.
        learning: see `learn_guidance`.
    """
    join_crew()
    known = open_pool(shape, base / "vae", base, supply, list(contrasts.asked))
    learn_guidance(shape, known, base, out, contrasts=contrasts, **learning)


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
    contrasts: Contrasts = FACES_FIRST,
    rate: float = 3e-4,
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
        contrasts: pairs whose true change, times the guidance, is learnt; see `contrast_question`.
        rate: peak learning rate.
        compiled: whether the transformer's blocks are compiled.
    """
    model = load_transformer(base).to(known.device)
    teacher: Any = copy.deepcopy(model).requires_grad_(False)
    if compiled:
        teacher.compile_repeated_blocks(dynamic=False)
    objective = FlowMatching(shift=3.0)
    unprompted = embed_tokens(known.text, known.nothing)

    @torch.no_grad()
    def ask(_: Kind, latents: Tensor, tokens: Tensor, generator: Generator) -> Question:
        noisy, _noise, sigmas = noised(objective, latents, generator)
        words = heard(known.text, tokens)
        with autocast(known.device), attention(known.device):
            wanted = guided_flow(teacher, noisy, sigmas, words, unprompted, guidance)
        return Question(noisy, sigmas, tokens, lambda answer: (answer - wanted).square())

    lessons = Lessons(known, stills=stills, clips=clips, contrasts=contrasts, guidance=guidance)
    take_course(
        lessons,
        model,
        ask,
        lambda learnt, folder: assemble(learnt, known.text, shape, base / "vae", folder),
        out=out,
        steps=steps,
        minutes=minutes,
        rate=rate,
        decay=0.99,
        compiled=compiled,
    )


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
    both = torch.cat((unprompted.expand_as(words), words))
    answer = flow(teacher, torch.cat((noisy, noisy)), torch.cat((sigmas, sigmas)), both)
    plain, asked = answer.chunk(2)
    return torch.lerp(plain, asked, guidance)


if __name__ == "__main__":
    run_script(train_guidance)
