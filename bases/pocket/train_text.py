"""Train Pocket's text encoder to read captions, and names.

    python -m bases.pocket.train_text --shape configs/pocket/64.yaml --out runs/text

The encoders that real base models read prompts with were trained on text, or on pictures and their
captions, and know what words mean. Left to the flow's error alone, Pocket's would take very long to
hear a name or an expression, which count for little in it. So it learns beforehand to say what a
caption shows, and who is behind a name that counts; then it stays as it is. Run it again to go on
where it stopped. It ends with `runs/text/text_encoder/` and `runs/text/tokenizer/`.
"""

from __future__ import annotations

import copy
import random
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import UMT5Config, UMT5EncoderModel

from bases.pocket.casting import Casting, casting, new_captions
from bases.pocket.judge.traits import FORMS, MEASURES, measures, trait
from bases.pocket.muon import optimizers_for
from bases.pocket.parts import load_text
from bases.pocket.shape import PocketShape
from bases.pocket.tokenizer import train_tokenizer
from bases.pocket.training import Run, best_device, descend, run_script
from bases.pocket.world.scenes import CHOICES, KINDS
from bases.wan import WanText, embed_prompts

_SEED = 100_000_000


class Reader(nn.Module):
    """One linear layer that tells scenes and looks from the mean of a prompt's tokens.

    Args:
        width: numbers a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        forms = {f"{kind}.{n}": len(names) for kind, t in FORMS.items() for n, names in t.items()}
        self.sizes = {n: len(names) for n, names in CHOICES.items()} | forms | MEASURES
        self.told = nn.Linear(width, sum(self.sizes.values()))

    def forward(self, words: Tensor, cast: Casting) -> Tensor:
        """How far off it is, given embedded prompts (B, L, D) about as many scenes.

        It is asked for the looks of those alone who have a name that counts.
        """
        parts = self.told(words.float().mean(1)).split(list(self.sizes.values()), -1)
        told = dict(zip(self.sizes, parts, strict=True))
        losses = [F.cross_entropy(told[name], getattr(cast.scene, name)) for name in CHOICES]
        for index, kind in enumerate(KINDS):
            of_kind = (cast.scene.kind == index).tolist()
            rows = [row for row, name in enumerate(cast.names) if name and of_kind[row]]
            if rows:
                losses.append(self._looks_loss(told, cast, kind, rows))
        return torch.stack(losses).sum()

    def _looks_loss(
        self, told: dict[str, Tensor], cast: Casting, kind: str, rows: list[int]
    ) -> Tensor:
        look = cast.look[rows]
        forms = [
            F.cross_entropy(told[f"{kind}.{name}"][rows], trait(look, kind, name))
            for name in FORMS[kind]
        ]
        return torch.stack([*forms, F.mse_loss(told[kind][rows], measures(look, kind))]).sum()


def train_text(
    shape: PocketShape,
    out: Path = Path("runs/text"),
    *,
    init: Path | None = None,
    steps: int = 1200,
    minutes: float | None = None,
    captions: int = 64,
    rate: float = 2e-3,
    tether: float = 2.0,
) -> None:
    """Train the text encoder.

    Args:
        shape: how large Pocket is.
        out: where the run is kept.
        init: the folder of a base whose text encoder and tokenizer are to go on.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        captions: read in a step, each of a scene of its own.
        rate: peak learning rate.
        tether: with `init`, what it counts that tokens come out otherwise than there, so that a
            transformer which knows them need not learn anew.
    """
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
        prompts = new_captions(cast, shape, random.Random(step))
        words = embed_prompts(text, prompts)
        loss = reader(words, cast.to(device))
        moved = words.new_zeros(()) if known is None else moved_by(words, known, prompts)
        (loss + tether * moved).backward()
        descend(optimizers, run.rate(rate))
        if step % 20 == 19:
            run.log(step + 1, loss=loss.item(), moved=moved.item())
    run.plot()
    encoder.to(torch.bfloat16).save_pretrained(out / "text_encoder")
    text.tokenizer.save_pretrained(out / "tokenizer")
    print(f"Wrote {out}.")


def _new_text(shape: PocketShape, device: torch.device) -> WanText:
    """A text encoder that has learnt nothing, and a tokenizer that knows the captions' words."""
    tokenizer = train_tokenizer()
    config = UMT5Config(vocab_size=len(tokenizer), dropout_rate=0.0, **shape.text)
    return WanText(tokenizer, UMT5EncoderModel(config).to(device))


def moved_by(words: Tensor, known: WanText, prompts: list[str]) -> Tensor:
    """The mean squared change of the numbers of prompts' tokens; padding does not count."""
    before = embed_prompts(known, prompts)
    tokens = (before != 0).any(-1)
    return (words - before)[tokens].square().mean()


if __name__ == "__main__":
    run_script(train_text)
