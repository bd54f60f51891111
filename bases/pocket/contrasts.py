"""Pairs of stills that differ in the expression alone, and what its word must change.

In the flow's error an expression counts for little: all that no caption tells is in it too, the
individual above all. In the difference of two predictions from the same noise all of that falls
away. Both start from the middle between the two stills, which gives neither of them away.
"""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from bases.objective import FlowMatching
from bases.pocket.ahead import made_ahead, together
from bases.pocket.casting import Casting, draw_cast
from bases.pocket.flow import flow, noised
from bases.pocket.footage import sample
from bases.pocket.latents import Encoded, encode
from bases.pocket.pool import packed, tools, unpacked
from bases.pocket.shape import PocketShape
from bases.pocket.world import Repertoire, Scene, caption
from bases.pocket.world.scenes import EXPRESSIONS
from bases.wan import token_ids

_SEED = 40_000_000


class Contrasts(NamedTuple):
    """B pairs of stills, kept in little memory.

    Attributes:
        first: latents of each pair's first, normalised, (B, C, 1, H, W) in float16.
        subjects: what of its cells shows the subject, (B, 1, 1, H, W) in 0 … 255.
        faces: what of them shows the face, likewise.
        second: latents of the same individual in the same scene, with another expression.
        tokens: of both captions, (B, 2, L), padded.
    """

    first: Tensor
    subjects: Tensor
    faces: Tensor
    second: Tensor
    tokens: Tensor

    def some(
        self, count: int, generator: Generator, device: torch.device
    ) -> tuple[Encoded, Tensor, Tensor]:
        """Some of the first ones, the latents of the second ones, and both captions' tokens.

        The tokens are (2 × count, L), those of the first ones before the others'.
        """
        chosen = torch.randint(len(self.first), (count,), generator=generator)
        first, subjects, faces, second, tokens = (p[chosen.to(p.device)].to(device) for p in self)
        tokens = tokens.transpose(0, 1).flatten(0, 1)
        return unpacked(first, subjects, faces), second.float(), tokens


def fill_contrasts(
    shape: PocketShape,
    vae: Path,
    text: Path,
    pairs: int,
    *,
    makers: int,
    device: torch.device,
    seed: int = 0,
    at_once: int = 32,
) -> Contrasts:
    """Pairs of people whose faces are near, captioned in any language that the shape has.

    Args:
        shape: of the stills, and the world that they are drawn from, which has people.
        vae: the folder of the VAE that encodes them.
        text: the folder whose tokenizer reads the captions.
        pairs: how many, at the least.
        makers: other processes that make them; 0 for this one alone.
        device: where they are kept.
        seed: of the run.
        at_once: pairs that are drawn together.
    """
    at_once = min(pairs, at_once)
    make = partial(_contrasts, count=at_once, shape=shape, vae=vae, text=text)
    jobs = -(-pairs // at_once)
    return Contrasts(*together(made_ahead(make, jobs, makers, seed=seed, what="pairs"), device))


def expression_pairs(
    seed: int, count: int, shape: PocketShape
) -> tuple[Casting, Casting, list[str], list[str]]:
    """Individuals in scenes, the same with another expression, and captions of both.

    Args:
        seed: from 0 to ten million; pairs of different seeds share no individual.
        count: how many pairs.
        shape: of the world that they are drawn from, which has people.
    """
    rng = random.Random(seed)
    look, scene = sample(_SEED + seed, count, replace(shape, world=_faces_of(shape.world)))
    steps = torch.tensor([rng.randrange(1, len(EXPRESSIONS)) for _ in range(count)])
    other = replace(scene, expression=(scene.expression + steps) % len(EXPRESSIONS))
    languages = [rng.choice(shape.languages) for _ in range(count)]
    nobody: list[str | None] = [None] * count

    def said(scenes: Scene) -> list[str]:
        return [caption(scenes, row, language=word) for row, word in enumerate(languages)]

    return Casting(look, scene, nobody), Casting(look, other, nobody), said(scene), said(other)


def _contrasts(
    seed: int, count: int, shape: PocketShape, vae: Path, text: Path
) -> tuple[Tensor, ...]:
    codec, words = tools(vae, text)
    *both, prompts, others = expression_pairs(seed, count, shape)
    first, second = (encode(codec, *draw_cast(cast, shape, 1, codec.device)) for cast in both)
    tokens = torch.stack([token_ids(words, said) for said in (prompts, others)], 1)
    drawn = (*packed(first), second.latents.half())
    return (*(part.cpu() for part in drawn), tokens.short())


def _faces_of(world: Repertoire) -> Repertoire:
    """Those scenes of a world in which a person's face is near and seen."""
    near = tuple(shot for shot in world.shot if shot != "wide")
    towards = tuple(view for view in world.view if view in ("front", "three-quarter"))
    return replace(world, kind=("person",), shot=near or world.shot, view=towards or world.view)


def contrast_error(
    transformer: nn.Module,
    words: Tensor,
    objective: FlowMatching,
    first: Tensor,
    second: Tensor,
    generator: Generator,
) -> Tensor:
    """Squared error of the change that the other word makes, (B, C, 1, H, W).

    Args:
        transformer: predicts the flow.
        words: embedded captions (2 × B, L, D), of the first ones, then of the second ones.
        objective: says how strong the noise is.
        first: latents (B, C, 1, H, W).
        second: likewise.
        generator: a CPU generator, of the noise and its levels.
    """
    noisy, _, sigmas = noised(objective, (first + second) / 2, generator)
    predicted = flow(transformer, torch.cat((noisy, noisy)), torch.cat((sigmas, sigmas)), words)
    change = torch.sub(*predicted.chunk(2))
    return (change - (second - first)).square()
