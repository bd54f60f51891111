"""Our training step beside a plain loop of diffusers and PEFT, on the same model and batch.

    python -m benchmarks.train_step --base pocket --rounds 5 --steps 20

Rounds alternate between the two, so that whatever else the machine does falls on both. Printed are
the medians over all steps and their ratio; ours runs through Lightning's Trainer, as in
`starring train`. Both load the same weights, train the same layers in the same precision, clip
gradients and step the same optimiser; the batches lie in memory.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import pytorch_lightning as pl
import torch
from diffusers import WanTransformer3DModel
from jsonargparse import auto_cli
from peft import LoraConfig
from torch import Tensor
from torch.utils.data import DataLoader

from bases.catalogue import Base, find_base
from bases.families import family_of
from bases.wan import TIMESTEPS, Wan
from finetune.data import Batch
from finetune.module import LoraModule
from studio.quiet import hush
from studio.tables import show_table

RANK, LR, CLIP = 16, 1e-4, 1.0


def compare(
    base: str = "pocket",
    rounds: int = 5,
    steps: int = 20,
    photos: int = 8,
    clips: int = 2,
    threads: int | None = None,
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
    ours, plain = Ours(known, batches), Plain(known, batches, device)
    seconds: dict[str, list[float]] = {"ours": [], "plain": []}
    for _ in range(rounds):
        seconds["ours"] += ours.run(steps)
        seconds["plain"] += plain.run(steps)
    report(seconds, known, device)


def make_batches(base: Base, photos: int, clips: int) -> list[Batch]:
    """One step's batches of random latents, of the base's own size."""
    family = family_of(base.source)
    text = family.load("text", dtype=torch.float32, device=torch.device("cpu"))
    prompt = {name: rows[0] for name, rows in family.encode_prompt(text, "a person waving").items()}
    generator = torch.Generator().manual_seed(0)
    made = []
    for name, count, frames in (("photos", photos, 1), ("clips", clips, base.frames)):
        shape = family.grid.latent_shape(base.height, base.width, frames)
        latents = torch.randn(count, *shape, generator=generator)
        made.append(Batch(name, 0, 1.0, latents, [prompt] * count))
    return [batch for batch in made if len(batch.latents)]


class Ours:
    """`LoraModule` in Lightning's Trainer, as `finetune.train` sets them up."""

    def __init__(self, base: Base, batches: list[Batch]) -> None:
        self.module = LoraModule(base=base.source, rank=RANK, lr=LR)
        self.batches = batches

    def run(self, steps: int) -> list[float]:
        """Seconds of each step."""
        clock = Clock(self.module)
        trainer = pl.Trainer(
            max_steps=steps + 1,
            devices=1,
            logger=False,
            gradient_clip_val=CLIP,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[clock],
        )
        trainer.fit(self.module, DataLoader(Repeated(self.batches, steps + 1), batch_size=None))
        return clock.seconds


class Clock(pl.Callback):
    """Times from the end of one step to the end of the next, Lightning's own work included."""

    def __init__(self, module: LoraModule) -> None:
        self.module, self.ends = module, list[float]()

    @property
    def seconds(self) -> list[float]:
        """One a step, without the first."""
        return [end - start for start, end in zip(self.ends, self.ends[1:], strict=False)]

    def on_train_batch_end(self, *_: Any) -> None:
        """Look at the clock."""
        self.ends.append(now(self.module.device))


class Repeated(torch.utils.data.Dataset[list[Batch]]):
    """The same step again and again."""

    def __init__(self, batches: list[Batch], count: int) -> None:
        self.batches, self.count = batches, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> list[Batch]:
        return [batch._replace(number=index) for batch in self.batches]


class Plain:
    """What one would write by hand: diffusers' transformer, PEFT's layers, a loop."""

    def __init__(self, base: Base, batches: list[Batch], device: torch.device) -> None:
        self.device, self.batches = device, batches
        self.dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self.model = WanTransformer3DModel.from_pretrained(
            base.source, subfolder="transformer", dtype=self.dtype
        ).to(device)
        self.model.requires_grad_(False)
        self.model.add_adapter(LoraConfig(r=RANK, target_modules=Wan.lora_targets))
        self.weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        for weight in self.weights:
            weight.data = weight.data.float()
        self.optimizer = torch.optim.AdamW(self.weights, lr=LR, fused=True)

    def run(self, steps: int) -> list[float]:
        """Seconds of each step."""
        ends = []
        for _ in range(steps + 1):
            torch.stack([self._loss(batch) for batch in self.batches]).sum().backward()
            torch.nn.utils.clip_grad_norm_(self.weights, CLIP)
            self.optimizer.step()
            self.optimizer.zero_grad()
            ends.append(now(self.device))
        return [end - start for start, end in zip(ends, ends[1:], strict=False)]

    def _loss(self, batch: Batch) -> Tensor:
        clean = batch.latents.to(self.device)
        noise = torch.randn_like(clean)
        level = torch.sigmoid(torch.randn(len(clean), device=self.device))
        noisy = torch.lerp(clean, noise, level.view(-1, 1, 1, 1, 1))
        predicted = self.model(
            hidden_states=noisy.to(self.dtype),
            timestep=level * TIMESTEPS,
            encoder_hidden_states=torch.stack(
                [row["encoder_hidden_states"] for row in batch.conditions]
            ).to(self.device, self.dtype),
            return_dict=False,
        )[0]
        return torch.nn.functional.mse_loss(predicted.float(), noise - clean)


def now(device: torch.device) -> float:
    """Seconds, once all work that was given to the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


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
    auto_cli(compare, as_positional=False)
