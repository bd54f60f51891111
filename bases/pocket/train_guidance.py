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
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from bases.objective import FlowMatching
from bases.pocket.crew import crew_rank, crew_seed, join_crew, share_gradients
from bases.pocket.flow import flow, learn, noised
from bases.pocket.muon import optimizers_for
from bases.pocket.parts import load_transformer
from bases.pocket.pool import Lessons
from bases.pocket.shape import PocketShape
from bases.pocket.train_transformer import assemble
from bases.pocket.training import (
    Run,
    averaged,
    best_device,
    descend,
    run_script,
)
from bases.wan import embed_tokens


def train_guidance(
    shape: PocketShape,
    base: Path,
    out: Path = Path("runs/guidance"),
    *,
    guidance: float = 3.0,
    steps: int = 400,
    minutes: float | None = None,
    stills: int = 12,
    clips: int = 6,
    pool: int = 1200,
    makers: int = 0,
    rate: float = 3e-4,
    dropout: float = 0.1,
    subject_weight: float = 2.0,
    face_weight: float = 4.0,
    seed: int = 0,
    compiled: bool = False,
) -> None:
    """Train the transformer; the text encoder and the VAE stay.

    Args:
        shape: how large Pocket is.
        base: the folder of a base that was trained without.
        out: where the run is kept.
        guidance: the scale that is learnt.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        stills: pictures a step of each process.
        clips: clips a step of each process.
        pool: clips that are drawn and encoded beforehand in each process, and four times as many
            stills.
        makers: other processes that draw them; 0 for this one alone. One GPU wants 8.
        rate: peak learning rate.
        dropout: share of prompts that are left empty, on which nothing changes.
        subject_weight: what an error on the subject counts beyond one on the place.
        face_weight: what one on the face counts beyond one elsewhere on the subject.
        seed: from 0 to 4; a run with another one sees other examples.
        compiled: whether the transformer's blocks are compiled.
    """
    join_crew()
    device = best_device()
    model = load_transformer(base).to(device)
    teacher = copy.deepcopy(model).requires_grad_(False)
    average = averaged(model, 0.99)
    if compiled:
        model.compile_repeated_blocks(dynamic=False)
        teacher.compile_repeated_blocks(dynamic=False)
    optimizers = optimizers_for(model, rate)
    lessons = Lessons(shape, base / "vae", base, pool, makers=makers, device=device, seed=seed)
    objective = FlowMatching(shift=3.0)
    unprompted = embed_tokens(lessons.text, lessons.nothing)
    parts = {"model": model, "average": average, **optimizers}
    run = Run(out, steps=steps, minutes=minutes, parts=parts)
    for step in run:
        generator = torch.Generator().manual_seed(crew_seed(step, seed))
        losses = []
        for seen, words in lessons.some(stills, clips, dropout, generator):
            noisy, _, sigmas = noised(objective, seen.latents, generator)
            asked = (noisy, sigmas, words)
            error_of = partial(guidance_error, model, teacher, *asked, unprompted, guidance)
            losses.append(learn(error_of, seen.weights(subject_weight, face_weight), 1 / 2))
        share_gradients(model.parameters())
        descend(optimizers, run.rate(rate))
        average.update_parameters(model)
        if step % 20 == 19:
            run.log(step + 1, stills=losses[0], clips=losses[1])
    if crew_rank() > 0:
        return
    run.plot()
    assemble(average.module, lessons.text, shape, base / "vae", out / "pocket")
    print(f"Wrote {out / 'pocket'}.")


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
