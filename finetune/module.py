"""The training: LoRA layers learn to predict the flow on a frozen base."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import MixedPrecision
from torch import Tensor
from tqdm import tqdm

from bases.families import family_of
from bases.family import Expert, Family
from bases.hub import open_base
from bases.memory import GIGABYTE
from bases.objective import FlowMatching
from finetune.adapter import HELPER, add_lora, base_alone, check_pattern, check_targets, load_lora
from finetune.batches import Batch, prompted, same, shapes_of
from finetune.budget import Budget, Uncountable, fitting_thrift, memory_of
from finetune.data import SubjectData
from finetune.errors import TrainingError
from finetune.gate import Asking, hear_the_name
from finetune.limits import LARGEST_SEED, MOST, above, at_least, at_most
from finetune.losses import motion_error, standing_error
from finetune.prediction import predicted_flow
from finetune.thrift import NO_THRIFT, Thrift

_log = logging.getLogger(__name__)
_WELL_HEARD = 30.0
"""Times as loud as others a trigger is to be for a gate to keep them apart."""

PRIOR = "prior of "
"""Before a batch's name, that of the error which keeps the base as it is for others."""

_LEAST_WEIGHT = 1e-6
"""Where a crop leaves nothing of the subject, nothing is learnt from it."""


class LoraModule(pl.LightningModule):
    """A frozen transformer with LoRA layers that learn.

    Args:
        base: name or folder of the base.
        rank: inner size of the LoRA layers.
        alpha: scale of the layers times their rank; the rank if not given.
        strength: share of the learnt change that the finished adapter makes. What is left of the
            base's own actions grows as it falls, sooner than the likeness does.
        lr: peak learning rate of AdamW.
        warmup: steps over which the rate rises; afterwards it falls to a tenth as a cosine.
        weight_decay: of AdamW.
        shift: moves training towards more noise.
        spread: of the noise levels; see `FlowMatching`.
        clip_shift: the same for clips whose motion is compared with the base's, and for the prior
            in them; the shift if not given. At little noise a clip shows how it moves, so that
            nothing is left to compare; the more noise, the more a clip's weight counts.
        targets: a regular expression over linear layers; the family's own if not given.
        face_weight: what an error on the subject's head counts beyond one elsewhere.
        background_weight: what an error beside the subject counts; less than 1 keeps the places of
            the photos out of the adapter.
        prior_weight: what it counts that the adapter changes what the base makes of prompts about
            nobody and about other names, as in Ruiz et al., "DreamBooth" (2022), but against the
            base's own answer in the same noise; 0 leaves it out.
        name_gate: how loud the subject's name is written where the layers begin by hearing it
            alone, in spreads of what a token carries, about 3; see `finetune.gate`. It keeps an
            adapter from changing others, at a price in likeness; 0 leaves it out.
        guidance_loss: the scale of the guidance that was distilled into the base, so that the loss
            takes it out: the base is asked without a prompt too, and only what lies beyond that
            answer is learnt, nothing of examples whose prompt was dropped; 0 for a base without.
        training_adapter: a file of LoRA weights that undo a distillation; they count in training,
            learn nothing, and are left out in rendering.
        expert: which of the base's transformers, where there are several; the first if not given.
        thrift: how to save memory and time; what saves memory is chosen for the memory that there
            is, unless something of it is given.
        memory: gigabytes of the GPU to stay within; all that it has if not given. On a CPU nothing
            is saved unless this is given.
        seed: of the first weights and of the noise.

    Raises:
        TrainingError: if a number is out of its range, there is no such expert or file, the targets
            are no regular expression, or two ways to save memory do not go together.
    """

    def __init__(
        self,
        base: str = "pocket",
        rank: int = 16,
        alpha: float | None = None,
        strength: float = 1.0,
        lr: float = 1e-4,
        warmup: int = 20,
        weight_decay: float = 0.01,
        shift: float = 3.0,
        spread: float = 1.0,
        clip_shift: float | None = None,
        targets: str | None = None,
        face_weight: float = 0.0,
        background_weight: float = 1.0,
        prior_weight: float = 0.0,
        name_gate: float = 0.0,
        guidance_loss: float = 0.0,
        training_adapter: Path | None = None,
        expert: str = "",
        thrift: Thrift | None = None,
        memory: float | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        at_least(1, "model", rank=rank, warmup=warmup)
        at_least(0, "model", weight_decay=weight_decay, face_weight=face_weight, seed=seed)
        at_least(0, "model", background_weight=background_weight, guidance_loss=guidance_loss)
        at_least(0, "model", prior_weight=prior_weight, name_gate=name_gate)
        at_most(LARGEST_SEED, "model", seed=seed)
        at_most(MOST, "model", rank=rank)
        above(0, "model", strength=strength, lr=lr, shift=shift, spread=spread)
        given = {"alpha": alpha, "clip_shift": clip_shift, "memory": memory}
        above(0, "model", **{name: it for name, it in given.items() if it is not None})
        objective = FlowMatching(shift=shift, spread=spread)
        self.clip_objective = replace(objective, shift=shift if clip_shift is None else clip_shift)
        self.family: Family = family_of(open_base(base), objective)
        self.expert = self._find(expert)
        self.rank, self.alpha, self.targets = rank, alpha or float(rank), targets
        self.strength, self.lr, self.warmup = strength, lr, warmup
        self.weight_decay, self.seed = weight_decay, seed
        self.face_weight, self.background_weight = face_weight, background_weight
        self.prior_weight, self.name_gate = prior_weight, name_gate
        self.thrift, self.memory = thrift or NO_THRIFT, memory
        self.thrift.check()
        self.thrift_is_given = thrift is not None and not self.thrift.saves_time_alone
        self.guidance_loss, self.training_adapter = guidance_loss, training_adapter
        check_pattern(targets or "")
        self._check_distillation(base)
        self._check_gate()
        self.strict_loading = False

    def _check_distillation(self, base: str) -> None:
        ways = [bool(self.guidance_loss), self.training_adapter is not None]
        if all(ways):
            raise TrainingError(
                "model.guidance_loss and model.training_adapter both undo a distillation: give one "
                "of them."
            )
        if self.training_adapter and not self.training_adapter.is_file():
            raise TrainingError(
                f"model.training_adapter={str(self.training_adapter)!r}: there is no such file. "
                "Give another."
            )
        if not self.family.takes_guidance and not any(ways):
            raise TrainingError(
                f"The base {base!r} was distilled: plain learning would unlearn its guidance. "
                "Give --model.guidance_loss, such as 4, or --model.training_adapter FILE, or a "
                "recipe with --config; those for known bases lie in configs/finetune."
            )

    def _check_gate(self) -> None:
        if not self.name_gate:
            return
        if not self.family.listening:
            raise TrainingError(
                f"model.name_gate={self.name_gate} wants a base whose blocks listen to the prompt "
                "in an attention of their own, such as Wan: leave it at 0."
            )
        if not self.prior_weight:
            raise TrainingError(
                f"model.name_gate={self.name_gate} wants a model.prior_weight, such as 0.3, which "
                "keeps the layers from hearing more than the name: give one, or leave it at 0."
            )
        if self.thrift.offload:
            raise TrainingError(
                f"model.name_gate={self.name_gate} and model.thrift.offload=True do not go "
                "together: what layers hear is looked at while all are there. Leave one out."
            )
        if self.strength != 1:
            raise TrainingError(
                f"model.strength={self.strength} would weaken how the name is heard, which "
                f"model.name_gate={self.name_gate} writes: give --model.strength 1."
            )

    def _find(self, name: str) -> Expert:
        experts = {expert.name: expert for expert in reversed(self.family.experts)}
        if name and name not in experts:
            known = ", ".join(filter(None, experts)) or "none, for it has one transformer alone"
            raise TrainingError(f"expert {name!r} is not one of the base's: {known}.")
        return experts[name] if name else self.family.experts[0]

    def check_targets(self) -> None:
        """Refuse targets that fit no layer before the base is loaded, if it can be seen without."""
        with suppress(RuntimeError, NotImplementedError):
            check_targets(self.family.shell(self.expert.part), self._targets)

    def configure_model(self) -> None:
        """Load the base and add the layers, once, on the device that trains."""
        if hasattr(self, "transformer"):
            return
        self._fit_memory()
        self.transformer = self.family.load(
            self.expert.part,
            dtype=self.base_dtype,
            device=self.thrift.loading_device(self.training_device),
        )
        self.thrift.keep_small(self.transformer, self.family, self.training_device)
        if self.training_adapter is not None:
            load_lora(self.transformer, self.training_adapter, HELPER, self.family.prefix)
        add_lora(
            self.transformer,
            rank=self.rank,
            alpha=self.alpha,
            targets=self._targets,
            seed=self.seed,
        )
        if self.name_gate:
            self._hear_the_name(self.trainer.datamodule)
        self.thrift.spend_less(self.transformer)
        self.thrift.wait_outside(self.transformer, self.training_device)

    def _hear_the_name(self, data: SubjectData) -> None:
        self.to(self.training_device)

        def ask(named: bool) -> None:
            compared = list(data.material.compared(named=named))
            for number, latents, prompt in tqdm(compared, desc="hearing the name", leave=False):
                still = Batch("compared", number, 0.0, latents, [prompt])
                noisy, _, sigmas = self._noised(still, [self.seed, number])
                self._predict(noisy, sigmas, still.conditions)

        asking = Asking(partial(ask, True), partial(ask, False), self.base_dtype)
        told = hear_the_name(
            self.transformer, self.family.listening, asking, loudness=self.name_gate
        )
        if told < _WELL_HEARD:
            _log.warning(
                "The base hears %r %.0f times as loud as other words, where %.0f are wanted: the "
                "adapter will change others too. Choose a word of rare letters with 'starring "
                "subject edit %s --trigger WORD', and train again.",
                *(data.subject.trigger, told, _WELL_HEARD, data.subject.name),
            )

    def _fit_memory(self) -> None:
        """Choose what makes it possible to stay within the memory that was given or is found.

        Raises:
            TooLarge: if nothing does.
            Uncountable: if memory was given, and what this base takes cannot be counted.
        """
        wanted = self.memory and self.memory * GIGABYTE
        memory = wanted or memory_of(self.training_device)
        if self.thrift_is_given or memory is None or not self._trainer:
            return
        if (data := self.trainer.datamodule) is None:
            return
        learnt = data.batches_at(0)
        twice = [batch for batch in learnt if batch.others]
        batches = [shapes_of(batch) for batch in (*learnt, *twice)]
        try:
            budget = Budget(
                self.family, self.expert, rank=self.rank, targets=self._targets, batches=batches
            )
            fitting = fitting_thrift(budget, memory, may_wait=not self.name_gate)
        except Uncountable:
            if wanted:
                raise
        else:
            quick = self.thrift
            self.thrift = replace(fitting, compiled=quick.compiled, attention=quick.attention)

    @property
    def _targets(self) -> str:
        return self.targets or self.family.lora_targets

    @property
    def training_device(self) -> torch.device:
        """Where the trainer will have the module, even before it moves it there."""
        return self.trainer.strategy.root_device if self._trainer else self.device

    @property
    def base_dtype(self) -> torch.dtype:
        """Bfloat16 on a GPU, float32 on a CPU."""
        return torch.bfloat16 if self.training_device.type == "cuda" else torch.float32

    def training_step(self, batches: list[Batch], batch_idx: int) -> Tensor:
        """The mean squared error of the predicted flow, the batches weighted."""
        losses = []
        self.losses: dict[str, Tensor] = {}
        for index, batch in enumerate(batches):
            for name, weight, loss in self._errors(batch, [self.seed, batch.number, index]):
                self.losses[name] = loss.detach()
                self.log(f"loss/{name}", loss, batch_size=len(batch.latents))
                losses.append(weight * loss)
        total = torch.stack(losses).sum()
        self.log("loss", total, prog_bar=True, batch_size=1)
        return total

    def _errors(self, batch: Batch, key: list[int]) -> Iterator[tuple[str, float, Tensor]]:
        """The errors of a batch, each with its name and its weight."""
        noisy, noise, sigmas = self._noised(batch, key)
        if batch.asked:
            wanted = self._said_by_base(noisy, sigmas, batch.asked)
            subject = self._predict(noisy, sigmas, batch.conditions)
            clips = [self.family.objective.clean(noisy, f, sigmas) for f in (subject, wanted)]
            yield batch.name, batch.weight, motion_error(*clips)
        else:
            yield batch.name, batch.weight, self._flow_error(batch, noisy, noise, sigmas)
        rows = [
            row for row, other in enumerate(batch.others) if not same(other, batch.conditions[row])
        ]
        if self.prior_weight and rows:
            others = noisy[rows], sigmas[rows], [batch.others[row] for row in rows]
            off = self._predict(*others) - self._said_by_base(*others)
            yield f"{PRIOR}{batch.name}", self.prior_weight, off.square().mean()

    def _said_by_base(
        self, noisy: Tensor, sigmas: Tensor, conditions: Sequence[dict[str, Tensor]]
    ) -> Tensor:
        """What the base predicts without the adapter that learns."""
        with torch.no_grad(), base_alone(self.transformer):
            return self._predict(noisy, sigmas, conditions)

    def _flow_error(self, batch: Batch, noisy: Tensor, noise: Tensor, sigmas: Tensor) -> Tensor:
        """The squared error of the predicted flow against the true one."""
        target = self.family.objective.target(batch.latents.to(self.device), noise)
        faces, subjects = batch.faces.to(self.device), batch.subjects.to(self.device)
        weights = self.background_weight + (1 - self.background_weight) * subjects
        weights = weights + self.face_weight * faces
        if self.guidance_loss:
            plain = self._said_by_base(noisy, sigmas, batch.unprompted)
            target = plain + self.guidance_loss * (target - plain)
            weights = weights * prompted(batch).to(self.device)
        error = self._predict(noisy, sigmas, batch.conditions) - target
        squared = standing_error(error) if batch.stands_still else error.square()
        return (weights * squared).mean() / weights.mean().clamp_min(_LEAST_WEIGHT)

    def _noised(self, batch: Batch, key: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """The batch in noise, that noise, and its levels, which the key decides."""
        generator = torch.Generator().manual_seed(hash(tuple(key)) & 0x7FFFFFFF)
        clean = batch.latents.to(self.device)
        noise = torch.randn(clean.shape, generator=generator).to(self.device)
        objective = self.clip_objective if batch.asked else self.family.objective
        low, high = self.expert.low, self.expert.high
        sigmas = objective.sample_sigmas(len(clean), generator, low=low, high=high).to(self.device)
        return objective.noisy(clean, noise, sigmas), noise, sigmas

    def _predict(
        self, noisy: Tensor, sigmas: Tensor, conditions: Sequence[dict[str, Tensor]]
    ) -> Tensor:
        """The predicted flow (B, C, F, H, W)."""
        return predicted_flow(
            self.transformer, self.family, noisy, sigmas, conditions, self.base_dtype
        )

    def configure_optimizers(self) -> Any:
        """AdamW over the LoRA layers, warmed up, then falling as a cosine."""
        learning = [weight for weight in self.transformer.parameters() if weight.requires_grad]
        # Under mixed precision Lightning does not clip for an optimizer that could unscale itself.
        mixed = isinstance(self.trainer.precision_plugin, MixedPrecision)
        optimizer = self.thrift.optimizer_over(
            learning, lr=self.lr, weight_decay=self.weight_decay, fused=not mixed
        )
        steps = int(self.trainer.estimated_stepping_batches)
        rise = torch.optim.lr_scheduler.LinearLR(optimizer, 0.05, total_iters=self.warmup)
        fall = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, max(steps - self.warmup, 1), eta_min=self.lr / 10
        )
        schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [rise, fall], [self.warmup])
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave the base out: it is on the machine, and it did not change."""
        checkpoint["state_dict"] = {
            name: weight
            for name, weight in checkpoint["state_dict"].items()
            if ".lora_A.default." in name or ".lora_B.default." in name
        }
