"""Train Pocket's face package on the world: a detector and a recogniser for insightface.

    python -m bases.pocket.train_faces --out runs/faces

Run it again to go on where it stopped. It ends with `runs/faces/package/`, which
`insightface.app.FaceAnalysis` loads, and prints how well that does on people it never saw.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jsonargparse.typing import PositiveInt
from torch import Generator, Tensor, nn

from bases.pocket.face_export import export_package
from bases.pocket.face_losses import contrastive_loss, detector_loss
from bases.pocket.face_networks import DETECTOR_SIZE, Detector, Recogniser
from bases.pocket.face_pictures import look_alikes, photos, portraits
from bases.pocket.face_report import report
from bases.pocket.training import Run, Stateful, averaged
from bases.pocket.world.people.look import sample_people
from bases.scripts import run_script

PORTRAIT_SIZES = {36: 0.28, 48: 0.26, 72: 0.26, 104: 0.14, 144: 0.06}
"""Pixels that the window around a head is drawn at, and the share of portraits drawn so."""


def train_faces(
    out: Path = Path("runs/faces"),
    *,
    detector_steps: PositiveInt = 2200,
    recogniser_steps: PositiveInt = 4000,
) -> None:
    """Train both networks, export them and measure them.

    Args:
        out: where the runs and the package are kept.
        detector_steps: steps of the detector.
        recogniser_steps: steps of the recogniser.
    """
    detector = train_detector(out / "detector", steps=detector_steps)
    recogniser = train_recogniser(out / "recogniser", steps=recogniser_steps)
    export_package(detector, recogniser, out / "package")
    print(report(out / "package"))


def train_detector(out: Path, *, steps: int, batch: int = 32, rate: float = 2e-3) -> nn.Module:
    """Train the detector; gives its averaged weights.

    Args:
        out: where the run is kept.
        steps: how many steps.
        batch: pictures a step, a multiple of 4.
        rate: peak learning rate.
    """
    torch.manual_seed(0)
    model = Detector()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    average = averaged(model, 0.99)
    parts: dict[str, Stateful] = {"model": model, "average": average, "optimizer": optimizer}
    run = Run(out, steps=steps, parts=parts)
    for step in run:
        seen = photos(batch, DETECTOR_SIZE, Generator().manual_seed(step))
        loss, scores, landmarks = detector_loss(model(seen.pictures * (127.5 / 128)), seen)
        _descend(loss, model, optimizer, run.rate(rate))
        average.update_parameters(model)
        if step % 25 == 24:
            run.log(step + 1, scores=scores.item(), landmarks=landmarks.item())
    run.plot()
    return average.module.eval()


def train_recogniser(
    out: Path, *, steps: int, people: int = 56, rate: float = 2e-3, temperature: float = 0.1
) -> nn.Module:
    """Train the recogniser; gives its averaged weights.

    Args:
        out: where the run is kept.
        steps: how many steps.
        people: individuals a step, two portraits each; half of them look like the other half.
        rate: peak learning rate.
        temperature: how sharply strangers are told apart.
    """
    torch.manual_seed(0)
    model = Recogniser()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.05)
    average = averaged(model, 0.99)
    parts: dict[str, Stateful] = {"model": model, "average": average, "optimizer": optimizer}
    run = Run(out, steps=steps, parts=parts)
    for step in run:
        first, second = _two_portraits_each(people, Generator().manual_seed(step))
        one, other = model(torch.cat((first, second))).chunk(2)
        loss = contrastive_loss(one, other, temperature)
        _descend(loss, model, optimizer, run.rate(rate))
        average.update_parameters(model)
        if step % 25 == 24:
            run.log(step + 1, loss=loss.item(), found=_found(one, other))
    run.plot()
    return average.module.eval()


def _descend(loss: Tensor, model: nn.Module, optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimizer.step()


def _two_portraits_each(people: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Two portraits (people, 3, 112, 112) of each of so many individuals."""
    some = sample_people(people // 2, generator)
    both = some.and_rows(look_alikes(some, generator))
    twice = both[torch.arange(len(both)).repeat(2)]
    sizes = {size: int(share * len(twice)) for size, share in PORTRAIT_SIZES.items()}
    sizes[min(sizes)] += len(twice) - sum(sizes.values())
    first, second = portraits(twice, sizes, generator).chunk(2)
    return first, second


def _found(first: Tensor, second: Tensor) -> float:
    """The share of individuals whose first portrait is nearest to their second."""
    similar = nn.functional.normalize(first, dim=1) @ nn.functional.normalize(second, dim=1).T
    return (similar.argmax(1) == torch.arange(len(first))).float().mean().item()


if __name__ == "__main__":
    run_script(train_faces)
