"""How each family's pipeline holds the latents that ours are, to compare both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from diffusers import CogVideoXDDIMScheduler, LTX2Pipeline
from torch import Tensor

from bases.cogvideox import CogVideoX, own_scale
from bases.family import Family
from bases.kandinsky import Kandinsky5, Kandinsky6
from bases.ltx2 import LTX2
from bases.minimax_h3 import MiniMaxH3, patchify_video_latents, unpatchified
from bases.minimax_h3_references import MiniMaxH3References

PATCH = (1, 2, 2)
Arrange, Undo = Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]


def _channels_last(latents: Tensor) -> Tensor:
    return latents.permute(0, 2, 3, 4, 1)


def _channels_first(hidden: Tensor, like: Tensor) -> Tensor:
    return hidden[..., : like.shape[1]].permute(0, 4, 1, 2, 3)


_AS_ROWS: tuple[Arrange, Undo] = (
    lambda x: patchify_video_latents(x, PATCH)[None],
    lambda x, like: unpatchified(x, like, PATCH),
)
_ARRANGED: dict[type[Family], tuple[Arrange, Undo]] = {
    CogVideoX: (lambda x: x.transpose(1, 2), lambda x, _: x.transpose(1, 2)),
    Kandinsky5: (_channels_last, _channels_first),
    Kandinsky6: (_channels_last, _channels_first),
    LTX2: (
        LTX2Pipeline._pack_latents,
        lambda x, like: LTX2Pipeline._unpack_latents(x, *like.shape[2:]),
    ),
    MiniMaxH3: _AS_ROWS,
    MiniMaxH3References: _AS_ROWS,
}
_AS_OURS: tuple[Arrange, Undo] = (lambda x: x, lambda x, like: x[:, : like.shape[1]])


def handed(family: Family, noisy: Tensor, sigma: Tensor) -> Tensor:
    """Noisy latents as the pipeline's scheduler and loop have them."""
    arrange, _ = _ARRANGED.get(type(family), _AS_OURS)
    return arrange(noisy * _scale(family, noisy, sigma))


def taken(family: Family, hidden: Tensor, like: Tensor, sigma: Tensor) -> Tensor:
    """The noisy latents in what the transformer was handed."""
    _, undo = _ARRANGED.get(type(family), _AS_OURS)
    return undo(hidden, like) / _scale(family, like, sigma)


def answer(family: Family, wanted: Tensor, noisy: Tensor, sigma: Tensor) -> Tensor:
    """The transformer's output that is read as the prediction wanted; that is linear in it."""
    arrange, _ = _ARRANGED.get(type(family), _AS_OURS)
    form = arrange(noisy)
    without = family.prediction((torch.zeros_like(form),), noisy, sigma)
    slope = family.prediction((torch.ones_like(form),), noisy, sigma) - without
    return arrange((wanted - without) / slope)


def _scale(family: Family, like: Tensor, sigma: Tensor) -> Tensor | float:
    return own_scale(torch.ones_like(like), sigma) if isinstance(family, CogVideoX) else 1.0


def begin(scheduler: Any, steps: int) -> Any:
    """A scheduler at the first of its steps; some shift by the length of the clip."""
    more = {"mu": 1.0} if scheduler.config.get("use_dynamic_shifting") else {}
    scheduler.set_timesteps(steps, **more)
    return scheduler


def levels(scheduler: Any) -> Tensor:
    """The noise levels of its steps, in our count; some count from noise to clip."""
    if isinstance(scheduler, CogVideoXDDIMScheduler):
        signal = scheduler.alphas_cumprod[scheduler.timesteps].sqrt()
        noise = (1 - signal.square()).sqrt()
        return torch.cat([noise / (signal + noise), torch.zeros(1)]).float()
    sigmas = scheduler.sigmas
    return 1 - sigmas if scheduler.config.get("invert_sigmas") else sigmas
