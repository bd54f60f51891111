"""Two loops that train the same: ours, in Lightning's Trainer, and a plain one.

The plain one is what one would write with diffusers and PEFT.

Both train the same layers in the same precision, clip gradients and step the same optimiser; the
batches lie in memory.
"""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
import torch
from diffusers import WanTransformer3DModel
from peft import LoraConfig
from torch import Tensor
from torch.utils.data import DataLoader

from bases.wan import TIMESTEPS, Wan
from finetune.data import Batch
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
        rank: of the LoRA layers.
        recompute: whether activations are computed twice, as diffusers does it.
    """

    def __init__(
        self,
        model: WanTransformer3DModel,
        batches: list[Batch],
        *,
        rank: int,
        recompute: bool = False,
    ) -> None:
        self.model, self.batches = model, batches
        self.device, self.dtype = model.device, model.dtype
        self.model.requires_grad_(False)
        self.model.add_adapter(LoraConfig(r=rank, target_modules=Wan.lora_targets))
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
