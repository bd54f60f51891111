"""Our training step beside a plain loop of diffusers and PEFT, on the same model and batch.

    python -m benchmarks.train_step --base pocket --rounds 5 --steps 20

Rounds alternate between the two, so that whatever else the machine does falls on both. Printed are
the medians over all steps and their ratio; ours runs through Lightning's Trainer, as in
`starring train`. Both load the same weights; see `benchmarks.loops`.
"""

from __future__ import annotations

from statistics import median

import torch
from diffusers import WanTransformer3DModel
from jsonargparse.typing import NonNegativeInt, PositiveInt

from bases.catalogue import Base, find_base
from bases.families import family_of
from benchmarks.loops import LR, Ours, Plain
from benchmarks.scripts import run_script
from finetune.batches import Batch
from finetune.module import LoraModule
from studio.quiet import hush
from studio.tables import show_table

RANK = 16


def compare(
    base: str = "pocket",
    rounds: PositiveInt = 5,
    steps: PositiveInt = 20,
    photos: PositiveInt = 8,
    clips: NonNegativeInt = 2,
    threads: PositiveInt | None = None,
) -> None:
    """Time both and print the medians.

    Args:
        base: name or folder of the base.
        rounds: how often each has its turn.
        steps: timed steps a turn; one more goes before them, untimed.
        photos: photos a step.
        clips: clips a step.
        threads: of the CPU; all that there are if not given.
    """
    hush()
    if threads:
        torch.set_num_threads(threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    known = find_base(base)
    batches = make_batches(known, photos, clips)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    model = WanTransformer3DModel.from_pretrained(
        known.source, subfolder="transformer", dtype=dtype
    ).to(device)
    ours = Ours(LoraModule(base=known.source, rank=RANK, lr=LR), batches)
    plain = Plain(model, batches, family=ours.module.family, rank=RANK)
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(rounds):
        seconds["ours"] += ours.run(steps)
        seconds["plain"] += plain.run(steps)
    report(seconds, known, device)


def make_batches(base: Base, photos: int, clips: int) -> list[Batch]:
    """One step's batches of random latents, of the base's own size."""
    family = family_of(base)
    text = family.load("text", dtype=torch.float32, device=torch.device("cpu"))
    prompt = {name: rows[0] for name, rows in family.encode_prompt(text, "a person waving").items()}
    generator = torch.Generator().manual_seed(0)
    made = []
    for name, count, frames in (("photos", photos, 1), ("clips", clips, base.frames)):
        shape = family.grid.latent_shape(base.height, base.width, frames)
        latents = torch.randn(count, *shape, generator=generator)
        made.append(Batch(name, 0, 1.0, latents, [prompt] * count))
    return [batch for batch in made if len(batch.latents)]


def report(seconds: dict[str, list[float]], base: Base, device: torch.device) -> None:
    """Print medians and their ratio."""
    middle = {name: median(taken) for name, taken in seconds.items()}
    rows = [
        (name, f"{1000 * middle[name]:.1f}", f"{1000 * min(taken):.1f}", str(len(taken)))
        for name, taken in seconds.items()
    ]
    print(f"{base.name} on {device}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    show_table(("loop", "median ms a step", "fastest ms", "steps"), rows)
    print(f"\nours / plain: {middle['ours'] / middle['plain']:.3f}")


if __name__ == "__main__":
    run_script(compare)
