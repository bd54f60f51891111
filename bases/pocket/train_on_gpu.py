"""Train all of Pocket on one GPU.

    python -m bases.pocket.train_on_gpu --shape configs/pocket/128.yaml --out runs/pocket

One training after the other, each for as long as it is given: the text encoder, the VAE, the
transformer in its latents, and the transformer without guidance; see `train_text`, `train_vae`,
`train_transformer` and `train_guidance`, which do the same one by one. The latter two learn from
the same pool. It ends with `runs/pocket/guidance/pocket/`.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from jsonargparse.typing import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from bases.errors import BaseModelError
from bases.pocket.latents import load_codec
from bases.pocket.lessons import Contrasts
from bases.pocket.parts import load_text, load_transformer
from bases.pocket.pool import LatentPool, RawPool
from bases.pocket.shape import PocketShape
from bases.pocket.stream import Stream
from bases.pocket.train_guidance import learn_guidance
from bases.pocket.train_text import train_text
from bases.pocket.train_transformer import learn_flow
from bases.pocket.train_vae import learn_vae
from bases.pocket.training import best_device
from bases.scripts import run_script

_ENDLESS = 10**9
_FLOW = Contrasts(
    expressions=48,
    expression_clips=4,
    views=32,
    actions=8,
    expression_weight=20.0,
    view_weight=2.0,
)
_GUIDANCE = Contrasts(expressions=48, expression_clips=12, views=32, actions=12, action_weight=4.0)


def train_on_gpu(
    shape: PocketShape,
    out: Path = Path("runs/pocket"),
    *,
    text: Path | None = None,
    vae: Path | None = None,
    base: Path | None = None,
    text_minutes: NonNegativeFloat = 2.0,
    vae_minutes: NonNegativeFloat = 8.0,
    transformer_minutes: NonNegativeFloat = 14.0,
    guidance_minutes: NonNegativeFloat = 3.0,
    stills: PositiveInt = 128,
    clips: NonNegativeInt = 32,
    contrasts: Contrasts = _FLOW,
    guided: Contrasts = _GUIDANCE,
    rate: PositiveFloat = 2e-3,
    drawings: PositiveInt = 3000,
    pool: PositiveInt = 6_000,
    makers: NonNegativeInt = 14,
    compiled: bool = True,
) -> None:
    """Train.

    Args:
        shape: how large Pocket is.
        out: where everything is kept.
        text: the folder of a trained text encoder and its tokenizer, which is used as it is.
        vae: the folder of a VAE to go on from; with 0 minutes for it, the one that is used.
        base: the folder of a base whose transformer is to go on.
        text_minutes: for the text encoder, where none is given.
        vae_minutes: for the VAE.
        transformer_minutes: for the transformer.
        guidance_minutes: for what it learns of guidance.
        stills: pictures a step of the transformer.
        clips: clips a step of it.
        contrasts: pairs a step of it.
        guided: pairs a step of what it learns of guidance.
        rate: peak learning rate of the transformer.
        drawings: clips that the VAE learns from, of 1.7 MB each at full size, and about four times
            as many stills.
        pool: clips that the transformer begins with, of 0.25 MB each, and several times as many
            stills and pairs; more are drawn while it learns, and twice as many are kept.
        makers: processes that write the captions, each on one core; leave one or two to the
            training.
        compiled: whether the transformer's blocks are compiled.

    Raises:
        BaseModelError: if there is no GPU, or a number is out of range.
    """
    device = _the_gpu()
    if base is not None:
        load_transformer(base)  # or what is wrong with it would be said after the VAE's minutes
    if text is None:
        text = out / "text"
        train_text(shape, text, steps=_ENDLESS, minutes=text_minutes)
    words = load_text(text, device)
    kinds = list(contrasts.asked | guided.asked)
    stream = Stream(shape, words, device=device, makers=makers, seed=1, pairs=kinds)
    if vae is None or vae_minutes > 0:
        learn_vae(
            shape,
            RawPool(Stream(shape, device=device), drawings, device),
            out / "vae",
            init=vae,
            steps=_ENDLESS,
            minutes=vae_minutes,
            stills=96,
            clips=8,
        )
        vae = out / "vae" / "vae"
    known = LatentPool(stream, pool, load_codec(vae, device), words, 2 * pool)
    learn_flow(
        shape,
        known,
        vae,
        out / "transformer",
        init=base,
        steps=_ENDLESS,
        minutes=transformer_minutes,
        stills=stills,
        clips=clips,
        contrasts=contrasts,
        rate=rate,
        compiled=compiled,
    )
    learn_guidance(
        shape,
        known,
        out / "transformer" / "pocket",
        out / "guidance",
        steps=_ENDLESS,
        minutes=guidance_minutes,
        stills=stills,
        clips=clips,
        contrasts=guided,
        rate=rate / 4,
        compiled=compiled,
    )


def _the_gpu() -> torch.device:
    device = best_device()
    if device.type != "cuda" or "WORLD_SIZE" in os.environ:
        raise BaseModelError(
            "This trains on one GPU in one process, and PyTorch finds none here or was started by "
            "torchrun: train one part after the other, as CONTRIBUTING.md says."
        )
    return device


if __name__ == "__main__":
    run_script(train_on_gpu)
