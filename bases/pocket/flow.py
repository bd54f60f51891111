"""What Pocket's transformer is asked about the flow, and what its answers are off by.

Shapes: N clips or stills, C channels, F frames, H and W cells; L tokens, D numbers each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from bases.objective import FlowMatching
from bases.wan import TIMESTEPS, WanText, embed_tokens


class Question(NamedTuple):
    """What a transformer is asked.

    Attributes:
        noisy: latents in noise (N, C, F, H, W).
        sigmas: the noise levels (N,).
        tokens: of prompts (N, L).
        errors: of an answer (N, C, F, H, W) gives squared errors (B, C, F, H, W), where of each
            pair there is one.
    """

    noisy: Tensor
    sigmas: Tensor
    tokens: Tensor
    errors: Callable[[Tensor], Tensor]


def flow_question(
    objective: FlowMatching, latents: Tensor, tokens: Tensor, generator: Generator
) -> Question:
    """How latents came to be noise.

    Args:
        objective: says how strong the noise is.
        latents: (N, C, F, H, W).
        tokens: of their prompts (N, L).
        generator: of the noise and its levels, on the latents' device.
    """
    noisy, noise, sigmas = noised(objective, latents, generator)
    target = objective.target(latents, noise)
    return Question(noisy, sigmas, tokens, lambda answer: (answer - target).square())


def contrast_question(
    objective: FlowMatching,
    first: Tensor,
    second: Tensor,
    tokens: Tensor,
    generator: Generator,
    guidance: float = 1.0,
) -> Question:
    """What change another word makes.

    In the flow's error an expression counts for little: all that no caption tells is in it too, the
    individual above all. In the difference of two answers from the same noise all of that falls
    away. Both start from the middle between the two, which gives neither of them away.

    Args:
        objective: says how strong the noise is.
        first: latents (B, C, F, H, W).
        second: latents that differ from the first ones in what another word says.
        tokens: of prompts (2 × B, L), of the first ones, then of the second ones.
        generator: of the noise and its levels, on the latents' device.
        guidance: the scale of the guidance that the transformer is to have learnt as its own, which
            multiplies the change: what it draws without words falls away.
    """
    noisy, _, sigmas = noised(objective, (first + second) / 2, generator)

    def errors(answer: Tensor) -> Tensor:
        return (change(answer) / guidance - (second - first)).square()

    return Question(torch.cat((noisy, noisy)), torch.cat((sigmas, sigmas)), tokens, errors)


def change(answer: Tensor) -> Tensor:
    """From what is answered about B first ones, then about B second ones, to their difference."""
    first, second = answer.chunk(2)
    return first - second


def noised(
    objective: FlowMatching, latents: Tensor, generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Latents (N, C, F, H, W) in noise, that noise, and its levels (N,), all on one device."""
    noise = torch.randn(latents.shape, generator=generator, device=latents.device)
    sigmas = objective.sample_sigmas(len(latents), generator)
    return objective.noisy(latents, noise, sigmas), noise, sigmas


def heard(text: WanText, tokens: Tensor) -> Tensor:
    """Prompts (N, L, D) of tokens (N, L), as exact within autocast as outside."""
    with torch.autocast(tokens.device.type, enabled=False):
        return embed_tokens(text, tokens)


def flow(transformer: nn.Module, noisy: Tensor, sigmas: Tensor, words: Tensor) -> Tensor:
    """The predicted flow (N, C, F, H, W), given embedded prompts (N, L, D)."""
    predicted: Tensor = transformer(
        hidden_states=noisy,
        timestep=sigmas * TIMESTEPS,
        encoder_hidden_states=words,
        return_dict=False,
    )[0]
    return predicted.float()
