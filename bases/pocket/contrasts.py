"""Pairs of stills that differ in the expression alone, and what its word must change.

In the flow's error an expression counts for little: all that no caption tells is in it too, the
individual above all. In the difference of two predictions from the same noise all of that falls
away. Both start from the middle between the two stills, which gives neither of them away.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import NamedTuple

import torch
from diffusers import AutoencoderKLWan
from torch import Generator, Tensor, nn

from bases.objective import FlowMatching
from bases.pocket.flow import flow, noised
from bases.pocket.lessons import Casting, Encoded, draw_cast, encode
from bases.pocket.shape import PocketShape
from bases.pocket.train_vae import sample
from bases.pocket.world import Repertoire, caption
from bases.pocket.world.scenes import EXPRESSIONS
from bases.wan import WanText, embed_prompts

_SEED = 40_000_000


class Contrast(NamedTuple):
    """Pairs of stills.

    Attributes:
        first: of each pair.
        second: the same individual in the same scene, with another expression.
        prompts: captions of the first ones, then of the second ones.
    """

    first: Encoded
    second: Encoded
    prompts: list[str]


def expression_pairs(
    seed: int, codec: AutoencoderKLWan, count: int, shape: PocketShape
) -> Contrast:
    """Pairs of people whose faces are near, captioned in any language that the shape has.

    Args:
        seed: from 0 to ten million; pairs of different seeds share no individual.
        codec: encodes them.
        count: how many pairs.
        shape: of the stills, and the world that they are drawn from, which has people.
    """
    rng = random.Random(seed)
    look, scene = sample(_SEED + seed, count, replace(shape, world=_faces_of(shape.world)))
    steps = torch.tensor([rng.randrange(1, len(EXPRESSIONS)) for _ in range(count)])
    other = replace(scene, expression=(scene.expression + steps) % len(EXPRESSIONS))
    languages = [rng.choice(shape.languages) for _ in range(count)]
    first, second = (
        encode(codec, *draw_cast(Casting(look, s, [None] * count), shape, 1, codec.device))
        for s in (scene, other)
    )
    prompts = [
        caption(s, row, language=language)
        for s in (scene, other)
        for row, language in enumerate(languages)
    ]
    return Contrast(first, second, prompts)


def _faces_of(world: Repertoire) -> Repertoire:
    """Those scenes of a world in which a person's face is near and seen."""
    near = tuple(shot for shot in world.shot if shot != "wide")
    towards = tuple(view for view in world.view if view in ("front", "three-quarter"))
    return replace(world, kind=("person",), shot=near or world.shot, view=towards or world.view)


def contrast_error(
    transformer: nn.Module,
    text: WanText,
    objective: FlowMatching,
    pairs: Contrast,
    generator: Generator,
) -> Tensor:
    """Squared error of the change that the other word makes, (B, C, 1, H, W).

    Args:
        transformer: predicts the flow.
        text: the frozen text encoder and its tokenizer.
        objective: says how strong the noise is.
        pairs: B of them.
        generator: a CPU generator, of the noise and its levels.
    """
    first, second = pairs.first.latents, pairs.second.latents
    noisy, _, sigmas = noised(objective, (first + second) / 2, generator)
    predicted = flow(
        transformer,
        torch.cat((noisy, noisy)),
        torch.cat((sigmas, sigmas)),
        embed_prompts(text, pairs.prompts),
    )
    change = torch.sub(*predicted.chunk(2))
    return (change - (second - first)).square()
