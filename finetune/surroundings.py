"""Where and in what light a photo was taken, in words, as the base itself sees it.

What a caption names is not learnt as the subject's own, and of photos that nobody described it
names neither. A base that draws what prompts say can also tell which of some prompts a picture goes
with: the one by which it predicts best what of the noised picture is noise, as in Li et al., "Your
Diffusion Model is Secretly a Zero-Shot Classifier" (2023).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from tqdm import tqdm

from bases.family import Family
from finetune.examples import Prompt, embed, free_memory
from finetune.lights import LIGHTS
from finetune.preservation import PLACES
from subjects import with_article

_LEVEL = 0.9
"""Of the noise; docs/trials.md tells how often that is right."""


@torch.no_grad()
def seen_around(
    pictures: Sequence[Tensor],
    family: Family,
    *,
    class_noun: str,
    dtype: torch.dtype,
    device: torch.device,
) -> list[str]:
    """The place and the light of each picture, such as "at the beach, by day".

    Args:
        pictures: their normalised latents, each (C, F, H, W) of one frame.
        family: the base.
        class_noun: what they show.
        dtype: of the base.
        device: of the base, which has to fit there.
    """
    if not pictures:
        return []
    words = [", ".join(both) for both in itertools.product(PLACES, LIGHTS)]
    prompts = [Prompt(f"{with_article(class_noun)}, {said}") for said in words]
    embedded = embed(prompts, family, [], dtype=dtype, device=device)
    expert = next(expert for expert in family.experts if expert.low <= _LEVEL <= expert.high)
    transformer = family.load(expert.part, dtype=dtype, device=device)
    seen = []
    for picture in tqdm(pictures, desc="looking around the subject"):
        errors = [_error(transformer, family, picture, embedded[prompt]) for prompt in prompts]
        seen.append(words[errors.index(min(errors))])
    del transformer
    free_memory()
    return seen


def _error(
    transformer: Any, family: Family, picture: Tensor, conditions: dict[str, Tensor]
) -> float:
    """The squared error of the flow that is predicted for a picture under a prompt."""
    device = transformer.device
    sigmas, clean = torch.tensor([_LEVEL], device=device), picture[None].to(device)
    noise = torch.randn(clean.shape, generator=Generator().manual_seed(0)).to(device)
    noisy = family.objective.noisy(clean, noise, sigmas)
    rows = {name: row[None].to(device) for name, row in conditions.items()}
    inputs = family.transformer_inputs(noisy.to(transformer.dtype), sigmas, rows)
    flow = family.prediction(transformer(**inputs, return_dict=False), noisy, sigmas).float()
    return float((flow - family.objective.target(clean, noise)).square().mean())
