"""Two loops that train the same: ours, in Lightning's Trainer, and a plain one.

The plain one is what one would write with diffusers and PEFT.

Both train the same layers in the same precision, clip gradients and step the same optimiser; the
batches lie in memory.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytorch_lightning as pl
import torch
from peft import LoraConfig
from torch import Tensor
from torch.utils.data import DataLoader

from bases.family import Family
from finetune.batches import Batch
from finetune.module import LoraModule

LR, CLIP = 1e-4, 1.0


class Ours:
    """`LoraModule` in Lightning's Trainer, as `finetune.train` sets them up."""

    def __init__(self, module: LoraModule, batches: list[Batch]) -> None:
        self.module, self.batches = module, batches

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
    """What one would write by hand: diffusers' transformer, PEFT's layers, a loop.

    Args:
        model: the transformer, in the precision and on the device where it trains.
        batches: of every step.
        family: of the base, which packs the transformer's arguments.
        rank: of the LoRA layers.
        recompute: whether activations are computed twice, as diffusers does it.
        guidance: that was distilled into the base, which its loss takes out; 0 if none was.
    """

    def __init__(
        self,
        model: Any,
        batches: list[Batch],
        *,
        family: Family,
        rank: int,
        recompute: bool = False,
        guidance: float = 0.0,
    ) -> None:
        self.model, self.batches, self.family, self.guidance = model, batches, family, guidance
        self.device, self.dtype = model.device, model.dtype
        self.model.requires_grad_(False)
        self.model.add_adapter(LoraConfig(r=rank, target_modules=family.lora_targets))
        if recompute:
            self.model.enable_gradient_checkpointing()
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
        target = noise - clean
        if self.guidance:
            with torch.no_grad():
                plain = self._predict(noisy, level, batch.unprompted)
            target = plain + self.guidance * (target - plain)
        predicted = self._predict(noisy, level, batch.conditions)
        return torch.nn.functional.mse_loss(predicted, target)

    def _predict(
        self, noisy: Tensor, level: Tensor, conditions: Sequence[dict[str, Tensor]]
    ) -> Tensor:
        words = {
            name: torch.stack([row[name] for row in conditions]).to(self.device, self.dtype)
            for name in conditions[0]
        }
        said = self.family.transformer_inputs(noisy.to(self.dtype), level, words)
        output = self.model(**said, return_dict=False)
        return self.family.prediction(output, noisy, level).float()


def now(device: torch.device) -> float:
    """Seconds, once all work that was given to the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
