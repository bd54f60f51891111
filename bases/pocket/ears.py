"""What a transformer of Wan's kind hears of its prompts.

Its blocks hear in their cross-attention alone, at each place in a picture, and the words as a set:
what they take from two prompts tells how differently these draw, and costs far less than drawing.

Shapes: B prompts; L tokens, D numbers each; K blocks; Q places in pictures, C numbers each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from bases.objective import FlowMatching
from bases.pocket.casting import casting, draw_cast
from bases.pocket.flow import flow, noised
from bases.pocket.latents import encode, load_codec
from bases.pocket.shape import PocketShape
from bases.pocket.training import attention
from bases.pocket.world import caption
from bases.wan import WanText, embed_prompts

_SEED = 150_000_000
_STILLS, _CLIPS, _PLACES = 64, 8, 512


class Ears:
    """A transformer's cross-attention, and places in pictures that listen.

    Args:
        transformer: of Wan's kind.
        places: what its blocks' cross-attention is asked from, (K, P, C).
    """

    def __init__(self, transformer: Any, places: Tensor) -> None:
        self._transformer, self._places = transformer, places

    def some(self, count: int, generator: Generator) -> Ears:
        """So many of its places, drawn at random."""
        chosen = torch.randint(self._places.shape[1], (count,), generator=generator)
        return Ears(self._transformer, self._places[:, chosen.to(self._places.device)])

    def hear(self, words: Tensor) -> Tensor:
        """What is taken (B, K, Q, C) from embedded prompts (B, L, D)."""
        embedded = self._transformer.condition_embedder.text_embedder(words)
        with attention(words.device):
            taken = [
                block.attn2(places.expand(len(words), -1, -1), embedded, None, None)
                for block, places in zip(self._transformer.blocks, self._places, strict=True)
            ]
        return torch.stack(taken, 1)


@torch.no_grad()
def open_ears(transformer: Any, text: WanText, shape: PocketShape, vae: Path) -> Ears:
    """Draw stills and clips, and keep some of their places as the blocks see them, in noise.

    Args:
        transformer: of Wan's kind.
        text: reads their captions, in plain English.
        shape: of what is drawn, and the world.
        vae: the folder of the VAE that encodes it.
    """
    device = text.encoder.device
    codec, generator = load_codec(vae, device), Generator(device).manual_seed(_SEED)
    kept = list[Tensor]()
    for count, frames in ((_STILLS, 1), (_CLIPS, shape.frames)):
        cast = casting(_SEED + frames, count, shape)
        latents = encode(codec, *draw_cast(cast, shape, frames, device)).latents
        noisy, _, sigmas = noised(FlowMatching(shift=2.0), latents, generator)
        words = embed_prompts(text, [caption(cast.scene, row) for row in range(count)])
        seen = _seen(transformer, partial(flow, transformer, noisy, sigmas, words))
        chosen = torch.randint(seen.shape[1], (_PLACES,), generator=generator, device=device)
        kept.append(seen[:, chosen])
    return Ears(transformer, torch.cat(kept, 1))


def _seen(transformer: Any, draw: Callable[[], Tensor]) -> Tensor:
    """What the blocks' cross-attention is asked from (K, P, C) while something is drawn."""
    asked = list[Tensor]()
    hooks = [
        block.attn2.register_forward_pre_hook(lambda _, given: asked.append(given[0].flatten(0, 1)))
        for block in transformer.blocks
    ]
    draw()
    for hook in hooks:
        hook.remove()
    return torch.stack(asked)


def gap(heard: Tensor, wanted: Tensor, *, alike: bool) -> Tensor:
    """How far off is what is taken from some prompts from what is taken from others; 0 is not.

    Args:
        heard: from prompts about B scenes, then about B others, (2 × B, K, Q, C).
        wanted: from others about the same ones.
        alike: whether the first scenes and the second ones differ in one thing alone. If so what
            counts is the change from the ones to the others, and 1 is as if that were not heard;
            else 1 is as far off as prompts about other scenes are.
    """
    change = _change(wanted)
    off = _change(heard) - change if alike else heard - wanted
    sizes = (part.square().mean((0, 2, 3)) for part in (off, change))
    return torch.div(*sizes).mean()


def _change(taken: Tensor) -> Tensor:
    first, second = taken.chunk(2)
    return first - second
