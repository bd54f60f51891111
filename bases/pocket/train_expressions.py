"""Train the small classifier that tells drawn faces' expressions, for the audit of photos.

    python -m bases.pocket.train_expressions --out runs/expressions

Run it again to go on where it stopped. It ends with `runs/expressions/classifier/`, which
`subjects.expressions` opens as it opens any other, and prints how often it is right about people
that it never saw.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from jsonargparse.typing import PositiveFloat, PositiveInt
from torch import Generator, Tensor, nn
from transformers import ResNetConfig, ResNetForImageClassification
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from bases.pocket.face_pictures import PEOPLE, portraits
from bases.pocket.training import Run, averaged, best_device, descend
from bases.pocket.world.people.look import sample_people
from bases.pocket.world.scenes import EXPRESSIONS, sample_scenes
from bases.scripts import run_script

_SIDE, _MEAN, _STD = 64, [0.5] * 3, [0.5] * 3
_SIZES = {48: 0.2, 72: 0.3, 104: 0.3, 144: 0.2}
"""Pixels that the window around a head is drawn at, and the share of portraits drawn so."""
_SEED, _HELD_OUT_SEED = 70_000_000, 75_000_000


def train_expressions(
    out: Path = Path("runs/expressions"),
    *,
    steps: PositiveInt = 1500,
    batch: PositiveInt = 48,
    rate: PositiveFloat = 2e-3,
) -> None:
    """Train the classifier, write it and measure it.

    Args:
        out: where the run is kept.
        steps: how many steps.
        batch: faces a step.
        rate: peak learning rate.
    """
    torch.manual_seed(0)
    device = best_device()
    model = classifier().to(device)
    adamw = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.02)
    average = averaged(model, 0.99)
    run = Run(out, steps=steps, parts={"model": model, "average": average, "adamw": adamw})
    for step in run:
        faces, told = _faces(batch, _SEED + step)
        loss = nn.functional.cross_entropy(model(faces.to(device)).logits, told.to(device))
        loss.backward()
        descend({"adamw": adamw}, run.rate(rate))
        average.update_parameters(model)
        if step % 25 == 24:
            run.log(step + 1, loss=loss.item())
    run.plot()
    trained = copy.deepcopy(model)
    trained.load_state_dict(average.module.state_dict())
    measure_statistics(trained, batch)
    trained.save_pretrained(out / "classifier")
    ViTImageProcessorPil(
        size={"height": _SIDE, "width": _SIDE}, image_mean=_MEAN, image_std=_STD
    ).save_pretrained(out / "classifier")
    print(f"Right in {accuracy(trained):.1%} of the faces of people it never saw.")


def classifier() -> ResNetForImageClassification:
    """A small residual network that has learnt nothing yet."""
    labels = dict(enumerate(EXPRESSIONS))
    return ResNetForImageClassification(
        ResNetConfig(
            embedding_size=24,
            hidden_sizes=[32, 64, 96],
            depths=[1, 1, 1],
            layer_type="basic",
            id2label=labels,
            label2id={name: number for number, name in labels.items()},
        )
    )


@torch.no_grad()
def accuracy(model: ResNetForImageClassification, batches: int = 20, batch: int = 48) -> float:
    """How often the classifier is right, in [0, 1], about faces that no training draws."""
    right = [
        (model(faces.to(model.device)).logits.argmax(1).cpu() == told).float().mean()
        for faces, told in (_faces(batch, _HELD_OUT_SEED + number) for number in range(batches))
    ]
    return torch.stack(right).mean().item()


def _faces(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Aligned faces (count, 3, 64, 64) in [-1, 1], and which of `EXPRESSIONS` each shows."""
    generator = Generator().manual_seed(seed)
    scene = sample_scenes(count, generator, PEOPLE)
    sizes = {size: int(share * count) for size, share in _SIZES.items()}
    sizes[max(sizes)] += count - sum(sizes.values())
    faces = portraits(sample_people(count, generator), sizes, generator, scene)
    small = nn.functional.interpolate(faces, size=(_SIDE, _SIDE), mode="bilinear", antialias=True)
    return small, scene.expression


@torch.no_grad()
def measure_statistics(model: ResNetForImageClassification, batch: int) -> None:
    """Measure what the normalisation layers expect anew, since averaged weights have their own."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
    model.train()
    for number in range(20):
        model(_faces(batch, _SEED + number)[0].to(model.device))
    model.eval()


if __name__ == "__main__":
    run_script(train_expressions)
