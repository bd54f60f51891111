"""The flow's error on a batch, as Pocket's scripts learn from it.

Shapes: B clips, C channels, F frames, H and W cells; L tokens, D numbers each.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from bases.objective import FlowMatching
from bases.pocket.training import attention, autocast
from bases.wan import TIMESTEPS, WanText, embed_tokens


def learn(error_of: Callable[[], Tensor], weights: Tensor, share: float) -> Tensor:
    """Add one batch's share to the gradients; returns its loss.

    Args:
        error_of: gives errors (B, C, F, H, W).
        weights: what each counts, (B, 1, F, H, W).
        share: of the step that the batch is.
    """
    with autocast(weights.device), attention(weights.device):
        loss = (weights * error_of()).mean() / weights.mean()
        (share * loss).backward()
    return loss.detach()


def flow_error(
    transformer: nn.Module,
    words: Tensor,
    objective: FlowMatching,
    latents: Tensor,
    generator: Generator,
) -> Tensor:
    """Squared error of the predicted flow, of the latents' shape (B, C, F, H, W).

    Args:
        transformer: predicts the flow.
        words: embedded prompts (B, L, D).
        objective: says how strong the noise is.
        latents: (B, C, F, H, W).
        generator: a CPU generator, of the noise and its levels.
    """
    noisy, noise, sigmas = noised(objective, latents, generator)
    return (flow(transformer, noisy, sigmas, words) - objective.target(latents, noise)).square()


def contrast_error(
    transformer: nn.Module,
    words: Tensor,
    objective: FlowMatching,
    first: Tensor,
    second: Tensor,
    generator: Generator,
) -> Tensor:
    """Squared error of the change that another word makes, (B, C, F, H, W).

    In the flow's error an expression counts for little: all that no caption tells is in it too, the
    individual above all. In the difference of two predictions from the same noise all of that falls
    away. Both start from the middle between the two, which gives neither of them away.

    Args:
        transformer: predicts the flow.
        words: embedded prompts (2 × B, L, D), of the first ones, then of the second ones.
        objective: says how strong the noise is.
        first: latents (B, C, F, H, W).
        second: latents that differ from the first ones in what another word says.
        generator: a CPU generator, of the noise and its levels.
    """
    noisy, _, sigmas = noised(objective, (first + second) / 2, generator)
    return (flow_change(transformer, noisy, sigmas, words) - (second - first)).square()


def flow_change(transformer: nn.Module, noisy: Tensor, sigmas: Tensor, words: Tensor) -> Tensor:
    """The flow under the first prompts less that under the second ones, (B, C, F, H, W).

    Args:
        transformer: predicts the flow.
        noisy: latents in noise (B, C, F, H, W).
        sigmas: the noise levels (B,).
        words: embedded prompts (2 × B, L, D), of the first ones, then of the second ones.
    """
    twice = torch.cat((noisy, noisy)), torch.cat((sigmas, sigmas))
    first, second = flow(transformer, *twice, words).chunk(2)
    return first - second


def noised(
    objective: FlowMatching, latents: Tensor, generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Latents (B, C, F, H, W) in noise, that noise, and its levels (B,)."""
    device = latents.device
    seed = torch.randint(2**62, (), generator=generator).item()
    seeded = torch.Generator(device).manual_seed(int(seed))
    noise = torch.randn(latents.shape, generator=seeded, device=device)
    sigmas = objective.sample_sigmas(len(latents), generator).to(device)
    return objective.noisy(latents, noise, sigmas), noise, sigmas


def heard(text: WanText, tokens: Tensor) -> Tensor:
    """Prompts (B, L, D) of tokens (B, L), as exact within autocast as outside."""
    with torch.autocast(tokens.device.type, enabled=False):
        return embed_tokens(text, tokens)


def flow(transformer: nn.Module, noisy: Tensor, sigmas: Tensor, words: Tensor) -> Tensor:
    """The predicted flow (B, C, F, H, W), given embedded prompts (B, L, D)."""
    predicted: Tensor = transformer(
        hidden_states=noisy,
        timestep=sigmas * TIMESTEPS,
        encoder_hidden_states=words,
        return_dict=False,
    )[0]
    return predicted.float()
