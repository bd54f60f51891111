"""Train Pocket's text encoder to read captions, and names.

    python -m bases.pocket.train_text --shape configs/pocket/64.yaml --out runs/text

The encoders that real base models read prompts with were trained on text, or on pictures and their
captions, and know what words mean. Left to the flow's error alone, Pocket's would take very long to
hear an expression, which counts for little in it. So it learns beforehand to say what a caption
shows; and to tell one made-up name from another, or it would hear no new word, and an adapter could
not tell by its subject's name when it is meant. Then it stays as it is. Run it again to go on where
it stopped. It ends with `runs/text/text_encoder/` and `runs/text/tokenizer/`.
"""

from __future__ import annotations

import copy
import random
from pathlib import Path

import torch
import torch.nn.functional as F
from jsonargparse.typing import NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn
from transformers import UMT5Config, UMT5EncoderModel

from bases.errors import BaseModelError
from bases.pocket.casting import casting, new_captions
from bases.pocket.face_losses import contrastive_loss
from bases.pocket.muon import optimizers_for
from bases.pocket.parts import load_text
from bases.pocket.shape import PocketShape
from bases.pocket.tokenizer import train_tokenizer
from bases.pocket.training import Run, best_device, descend
from bases.pocket.world import Scene
from bases.pocket.world.captions import invented_name
from bases.pocket.world.scenes import CHOICES
from bases.scripts import run_script
from bases.wan import WanText, embed_prompts

_SEED = 100_000_000
_NAME, _TEMPERATURE = 64, 0.07
_SCRIPTS = (("a", "z"), ("а", "я"), ("α", "ω"), ("あ", "ん"))
"""Their first letters and their last."""


class Reader(nn.Module):
    """Linear layers that tell from the mean of a prompt's tokens what it shows, and its name.

    Args:
        width: numbers a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.sizes = {choice: len(names) for choice, names in CHOICES.items()}
        self.told = nn.Linear(width, sum(self.sizes.values()))
        self.called = nn.Linear(width, _NAME)

    def scenes_error(self, words: Tensor, scene: Scene) -> Tensor:
        """How far off it is about scenes, given embedded prompts (B, L, D) about them."""
        parts = self.told(words.float().mean(1)).split(list(self.sizes.values()), -1)
        return torch.stack(
            [
                F.cross_entropy(part, getattr(scene, choice))
                for choice, part in zip(self.sizes, parts, strict=True)
            ]
        ).sum()

    def names_error(self, words: Tensor) -> Tensor:
        """How far off it is about who has whose name, given embedded prompts (2 × N, L, D).

        They are about N names, then about the same ones in other scenes.
        """
        first, second = self.called(words.float().mean(1)).chunk(2)
        return contrastive_loss(first, second, _TEMPERATURE)


def train_text(
    shape: PocketShape,
    out: Path = Path("runs/text"),
    *,
    init: Path | None = None,
    steps: PositiveInt = 1200,
    minutes: PositiveFloat | None = None,
    captions: PositiveInt = 64,
    rate: PositiveFloat = 2e-3,
    tether: NonNegativeFloat = 2.0,
) -> None:
    """Train the text encoder.

    Args:
        shape: how large Pocket is.
        out: where the run is kept.
        init: the folder of a base whose text encoder and tokenizer are to go on.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        captions: read in a step, each of a scene of its own; in half of them there are names, each
            in two.
        rate: peak learning rate.
        tether: with `init`, what it counts that tokens come out otherwise than there, so that a
            transformer which knows them need not learn anew.

    Raises:
        BaseModelError: if a step has fewer than 4 captions, so that no name is in two.
    """
    if captions < 4:
        raise BaseModelError(f"captions={captions}: give at least 4, for each name is in two.")
    torch.manual_seed(0)
    device = best_device()
    text, known = _new_text(shape, device), None
    if init is not None:
        known = load_text(init, device)
        text = WanText(known.tokenizer, copy.deepcopy(known.encoder).requires_grad_(True))
    encoder, reader = text.encoder, Reader(shape.text["d_model"]).to(device)
    learning = nn.ModuleList([encoder, reader])
    optimizers = optimizers_for(learning, rate)
    parts = {"encoder": encoder, "reader": reader, **optimizers}
    run = Run(out, steps=steps, minutes=minutes, parts=parts)
    for step in run:
        cast = casting(_SEED + step, captions, shape)
        rng = random.Random(step)
        names = 2 * [new_name(rng) for _ in range(captions // 4)]
        prompts = new_captions(cast, shape, rng, names)
        words = embed_prompts(text, prompts)
        errors = {
            "scenes": reader.scenes_error(words, cast.scene.to(device)),
            "names": reader.names_error(words[: len(names)]),
        }
        if known is not None:
            errors["moved"] = tether * moved_by(words, known, prompts)
        torch.stack(list(errors.values())).sum().backward()
        descend(optimizers, run.rate(rate))
        if step % 20 == 19:
            run.log(step + 1, **{name: error.item() for name, error in errors.items()})
    run.plot()
    encoder.to(torch.bfloat16).save_pretrained(out / "text_encoder")
    text.tokenizer.save_pretrained(out / "tokenizer")
    print(f"Wrote {out}.")


def _new_text(shape: PocketShape, device: torch.device) -> WanText:
    """A text encoder that has learnt nothing, and a tokenizer that knows the captions' words."""
    tokenizer = train_tokenizer()
    config = UMT5Config(vocab_size=len(tokenizer), dropout_rate=0.0, **shape.text)
    return WanText(tokenizer, UMT5EncoderModel(config).to(device))


def new_name(rng: random.Random) -> str:
    """One that can be said, or a few letters of some script, as triggers are."""
    if rng.random() < 0.5:
        return invented_name(rng)
    first, last = rng.choice(_SCRIPTS)
    letters = range(ord(first), ord(last) + 1)
    return "".join(map(chr, rng.choices(letters, k=rng.randint(3, 5))))


def moved_by(words: Tensor, known: WanText, prompts: list[str]) -> Tensor:
    """The mean squared change of the numbers of prompts' tokens; padding does not count."""
    before = embed_prompts(known, prompts)
    tokens = (before != 0).any(-1)
    return (words - before)[tokens].square().mean()


if __name__ == "__main__":
    run_script(train_text)
