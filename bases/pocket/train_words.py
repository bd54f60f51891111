"""Teach a base to heed what a better reader of prompts tells it, and to draw as before.

    python -m bases.pocket.train_text --shape configs/pocket/64.yaml \
        --init bases/pocket/weights/base-64 --steps 700 --rate 1e-3 --out runs/text
    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 \
        -m bases.pocket.train_words --shape configs/pocket/64.yaml \
        --base bases/pocket/weights/base-64 --text runs/text --out runs/words

A base that draws well may still be deaf to some words: in the flow's error an expression counts for
little. Here the transformer learns two things at once: to predict what the base predicts from its
own text encoder's words, and to change it as a true drawing changes where one word is another,
times the guidance that went into the base. It begins with a linear map from the new encoder's words
to the old one's, so that it understands most of them at once. Run it again to go on where it
stopped. It ends with `runs/words/pocket/`.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from bases.errors import BaseModelError
from bases.objective import FlowMatching
from bases.pocket.casting import casting, new_captions
from bases.pocket.course import take_course
from bases.pocket.crew import join_crew
from bases.pocket.flow import Question, flow, heard, noised
from bases.pocket.lessons import Contrasts, Lessons
from bases.pocket.parts import load_text, load_transformer
from bases.pocket.pool import LatentPool, Supply, open_pool
from bases.pocket.shape import PocketShape
from bases.pocket.stream import Kind
from bases.pocket.train_transformer import assemble
from bases.pocket.training import attention, autocast
from bases.scripts import run_script
from bases.wan import WanText, embed_prompts

_SEED, _READ, _RIDGE = 120_000_000, 2000, 1e-4
_EVERY_KIND, _SUPPLY = Contrasts(), Supply(clips=350)


def train_words(
    shape: PocketShape,
    base: Path,
    text: Path,
    out: Path = Path("runs/words"),
    *,
    contrasts: Contrasts = _EVERY_KIND,
    supply: Supply = _SUPPLY,
    **learning: Any,
) -> None:
    """Draw, and train the transformer; the text encoders and the VAE stay.

    Args:
        shape: how large Pocket is.
        base: the folder of a base that does without guidance.
        text: the folder of a text encoder that began as the base's own, with its tokenizer.
        out: where the run is kept.
        contrasts: pairs that it learns from.
        supply: what is drawn.
        learning: see `learn_words`.
    """
    join_crew()
    known = open_pool(shape, base / "vae", text, supply, list(contrasts.asked))
    learn_words(shape, known, base, out, contrasts=contrasts, **learning)


def learn_words(
    shape: PocketShape,
    known: LatentPool,
    base: Path,
    out: Path,
    *,
    init: Path | None = None,
    guidance: float = 3.0,
    steps: int = 1000,
    minutes: float | None = None,
    stills: int = 8,
    clips: int = 4,
    contrasts: Contrasts = _EVERY_KIND,
    rate: float = 5e-4,
    compiled: bool = False,
) -> None:
    """Train the transformer on a pool.

    Args:
        shape: how large Pocket is.
        known: what it learns from, with the text encoder that the base is to heed.
        base: the folder of the base that draws as is wanted, with its own text encoder.
        out: where the run is kept.
        init: the folder of what this has made before, to go on from it with another pool.
        guidance: the scale that went into the base, by which a true change is multiplied.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        stills: pictures a step of each process.
        clips: clips a step of each process.
        contrasts: pairs whose true change, times the guidance, is learnt; see `contrast_question`.
        rate: peak learning rate.
        compiled: whether the transformer's blocks are compiled.

    Raises:
        BaseModelError: if the two text encoders read with other tokenizers.
    """
    model = load_transformer(init or base).to(known.device)
    teacher = load_transformer(base).to(known.device).requires_grad_(False)
    reader = load_text(base, known.device)
    if known.text.tokenizer.get_vocab() != reader.tokenizer.get_vocab():
        raise BaseModelError(
            "The text encoder reads with another tokenizer than the base: train it with "
            "'python -m bases.pocket.train_text --init BASE'."
        )
    if init is None:
        listen_through(model, translation(known.text, reader, _captions(shape)))
    usual = FlowMatching(shift=3.0)

    @torch.no_grad()
    def ask(_: Kind, latents: Tensor, tokens: Tensor, generator: Generator) -> Question:
        noisy, _noise, sigmas = noised(usual, latents, generator)
        with autocast(known.device), attention(known.device):
            wanted = flow(teacher, noisy, sigmas, heard(reader, tokens))
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


def _captions(shape: PocketShape) -> list[str]:
    return new_captions(casting(_SEED, _READ, shape), shape, random.Random(0))


@torch.no_grad()
def translation(text: WanText, known: WanText, captions: list[str]) -> Tensor:
    """The matrix (D, D) that brings one encoder's tokens nearest to another's, in least squares.

    Args:
        text: whose tokens are to be understood.
        known: whose tokens a transformer understands; both read with the same tokenizer.
        captions: in which the two are compared.
    """
    rows = [captions[start : start + 100] for start in range(0, len(captions), 100)]
    news, olds = (
        torch.cat([embed_prompts(encoder, some).float().flatten(0, 1) for some in rows])
        for encoder in (text, known)
    )
    size = news.square().sum(0).mean()
    ridge = _RIDGE * size * torch.eye(news.shape[1], device=news.device)
    matrix: Tensor = torch.linalg.solve(news.T @ news + ridge, news.T @ olds)
    return matrix


@torch.no_grad()
def listen_through(transformer: Any, matrix: Tensor) -> None:
    """Let a transformer hear prompts (…, D) as it heard them times a matrix (D, D)."""
    first = transformer.condition_embedder.text_embedder.linear_1
    first.weight.copy_(first.weight @ matrix.T)


if __name__ == "__main__":
    run_script(train_words)
