"""Train the small image encoder that tells drawn pets and objects apart.

    python -m bases.pocket.train_encoder --out runs/encoder

Run it again to go on where it stopped. It ends with `runs/encoder/encoder/`, which
`subjects.encoders` opens as it opens DINOv2, and prints how often it finds individuals that it
never saw.
"""

from __future__ import annotations

import random
from pathlib import Path

import torch
import torch.nn.functional as F
from jsonargparse.typing import PositiveFloat, PositiveInt
from torch import Generator, Tensor
from transformers import ResNetConfig, ResNetModel
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from bases.pocket.face_losses import contrastive_loss
from bases.pocket.face_pictures import degrade
from bases.pocket.training import Run, best_device, descend
from bases.pocket.world import Repertoire, film, sample_looks, sample_scenes
from bases.pocket.world.looks import look_alikes
from bases.scripts import run_script

_SIDE, _MEAN, _STD = 96, [0.5] * 3, [0.5] * 3
_KINDS = ("pet", "object")
_SEED, _HELD_OUT_SEED = 80_000_000, 85_000_000
_ALONE = {
    kind: Repertoire(kind=(kind,), light=("day",), move=("still",), company=("alone",))
    for kind in _KINDS
}


def train_encoder(
    out: Path = Path("runs/encoder"),
    *,
    steps: PositiveInt = 1000,
    individuals: PositiveInt = 32,
    rate: PositiveFloat = 2e-3,
    temperature: PositiveFloat = 0.1,
) -> None:
    """Train the encoder, write it and measure it.

    Args:
        out: where the run is kept.
        steps: how many steps.
        individuals: a step, two pictures each; half of them look like the other half.
        rate: peak learning rate.
        temperature: how sharply individuals are told apart.
    """
    torch.manual_seed(0)
    model = encoder().to(best_device())
    adamw = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.05)
    run = Run(out, steps=steps, parts={"model": model, "adamw": adamw})
    for step in run:
        kind = random.Random(step).choice(_KINDS)
        one, other = embedded(model, *two_pictures_each(individuals, kind, _SEED + step))
        loss = contrastive_loss(one, other, temperature)
        loss.backward()
        descend({"adamw": adamw}, run.rate(rate))
        if step % 25 == 24:
            run.log(step + 1, loss=loss.item(), found=rank_1(one, other))
    run.plot()
    model.eval().save_pretrained(out / "encoder")
    ViTImageProcessorPil(
        size={"height": _SIDE, "width": _SIDE}, image_mean=_MEAN, image_std=_STD
    ).save_pretrained(out / "encoder")
    for kind in _KINDS:
        print(f"Finds {accuracy(model, kind):.1%} of {kind}s among 40, half of them look-alikes.")


def encoder() -> ResNetModel:
    """A small residual network that has learnt nothing yet."""
    return ResNetModel(
        ResNetConfig(
            embedding_size=32, hidden_sizes=[48, 96, 192], depths=[1, 1, 1], layer_type="basic"
        )
    )


@torch.no_grad()
def accuracy(model: ResNetModel, kind: str, batches: int = 8) -> float:
    """Rank-1 among 40 individuals that no training draws, half of whom look like the others."""
    found = [
        rank_1(*embedded(model, *two_pictures_each(40, kind, _HELD_OUT_SEED + number)))
        for number in range(batches)
    ]
    return sum(found) / batches


def two_pictures_each(individuals: int, kind: str, seed: int) -> tuple[Tensor, Tensor]:
    """Two degraded pictures (individuals, 3, 96, 96) in [-1, 1] of each, in scenes of their own."""
    generator = Generator().manual_seed(seed)
    some = sample_looks(individuals // 2, generator)
    both = some.and_rows(look_alikes(some, generator))
    twice = both.and_rows(both)
    scene = sample_scenes(len(twice), generator, _ALONE[kind])
    first, second = degrade(film(twice, scene, size=_SIDE)[:, :, 0], generator).chunk(2)
    return first, second


def embedded(model: ResNetModel, *pictures: Tensor) -> list[Tensor]:
    """The embeddings (N, D) of pictures (N, 3, H, W), seen together."""
    seen = model(torch.cat(pictures).to(model.device)).pooler_output.flatten(1)
    return list(seen.split([len(part) for part in pictures]))


def rank_1(first: Tensor, second: Tensor) -> float:
    """The share of individuals whose first picture is nearest to their second."""
    similar = F.normalize(first, dim=1) @ F.normalize(second, dim=1).T
    return (similar.argmax(1).cpu() == torch.arange(len(first))).float().mean().item()


if __name__ == "__main__":
    run_script(train_encoder)
