"""How much memory a training step takes, counted on shapes alone, and what makes it fit.

The transformer is built without numbers, on PyTorch's meta device, and goes through a step; what
autograd keeps on the way is what a GPU would have to keep. Workspaces of kernels, and what is lost
between allocations, are not counted: a tenth more stands for them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import NamedTuple, get_args

import torch
from torch import Tensor, nn

from bases.errors import TooLarge
from bases.family import Expert, Family
from bases.memory import GIGABYTE
from finetune.adapter import add_lora
from finetune.errors import TrainingError
from finetune.kept import Kept
from finetune.modulation import factorise
from finetune.thrift import BYTES, Recompute, Thrift, blocks_of, linear_layers

_log = logging.getLogger(__name__)
_THIN = Thrift(modulation="factorised")
ORDER = (
    Thrift(),
    _THIN,
    replace(_THIN, recompute="all but attention"),
    replace(_THIN, recompute="everything"),
    replace(_THIN, recompute="everything", weights="int8"),
    replace(_THIN, recompute="everything", weights="nf4", optimizer="adamw8bit"),
    replace(_THIN, recompute="everything", offload=True, optimizer="adamw8bit"),
)
"""From the fastest to the smallest."""

_SPARE = 1.1
_AT_ONCE = 3
"""Blocks on the GPU of a base that waits outside: one in use, one that comes, one that goes."""
_META = torch.device("meta")
_COPIES = {"adamw": 16, "adamw8bit": 10}
"""Bytes of a number that learns: itself, its gradient and the optimiser's two means."""


@dataclass(frozen=True)
class Need:
    """Bytes that a training step takes on a GPU.

    Attributes:
        weights: of the frozen base.
        learning: of the LoRA layers, their gradients and the optimiser's state.
        activations: that are kept for the way back.
    """

    weights: float
    learning: float
    activations: float

    @property
    def total(self) -> float:
        """All of it, with a tenth more for what is not counted."""
        return _SPARE * (self.weights + self.learning + self.activations)


class _Frozen(NamedTuple):
    """Bytes of a base's frozen weights.

    Attributes:
        whole: of all.
        small: of those that can be kept in fewer bits.
        waiting: of those that can wait in the machine's memory.
    """

    whole: int
    small: int
    waiting: int

    @classmethod
    def of(cls, transformer: nn.Module) -> _Frozen:
        """Those of a transformer."""
        blocks = [_bytes(block.parameters()) for block in blocks_of(transformer).values()]
        return cls(
            whole=_bytes(transformer.parameters()),
            small=_bytes(layer.weight for layer in linear_layers(transformer).values()),
            waiting=max(0, sum(blocks) - _AT_ONCE * max(blocks, default=0)),
        )


def _bytes(weights: Iterable[Tensor]) -> int:
    return sum(weight.numel() * weight.element_size() for weight in weights)


class Shapes(NamedTuple):
    """A batch of which the shapes alone count: latents (B, C, F, H, W), conditions (B, ...)."""

    latents: Tensor
    conditions: dict[str, Tensor]


class Uncountable(TrainingError):
    """What a training step takes cannot be counted without numbers."""


@contextmanager
def _without_numbers(source: str) -> Iterator[None]:
    """Some transformers look at numbers on their way, and here there are none.

    Raises:
        Uncountable: if this is one of them.
    """
    try:
        yield
    except (RuntimeError, NotImplementedError) as error:
        raise Uncountable(
            f"What training the base {source!r} takes cannot be counted beforehand, so nothing can "
            "be chosen for --memory. Leave it out, and where memory runs short give "
            "--model.thrift.recompute everything, then --model.thrift.weights int8 or nf4."
        ) from error


class Budget:
    """Counts what training a base takes.

    Args:
        family: the base.
        expert: which of its transformers.
        rank: of the LoRA layers.
        targets: which layers get one.
        batches: of a step, whose activations are kept together.

    Raises:
        Uncountable: if the base cannot be built, or does not run, without numbers.
    """

    def __init__(
        self,
        family: Family,
        expert: Expert,
        *,
        rank: int,
        targets: str,
        batches: Sequence[Shapes] = (),
    ) -> None:
        self.family = family
        with _without_numbers(family.source):
            self.transformer = family.shell(expert.part)
            thin = deepcopy(self.transformer)
        with _META:
            factorise(thin, family)
        self._frozen = {"plain": _Frozen.of(self.transformer), "factorised": _Frozen.of(thin)}
        with _META:
            add_lora(self.transformer, rank=rank, alpha=rank, targets=targets, seed=0)
            self.transformer.bfloat16()  # in which mixed precision computes
        learning = (w.numel() for w in self.transformer.parameters() if w.requires_grad)
        self._learning = sum(learning)
        with _without_numbers(family.source):
            counted = [self._kept(part) for batch in batches for part in self._together(batch)]
        self._activations = {way: sum(kept[way] for kept in counted) for way in get_args(Recompute)}

    def need(self, thrift: Thrift) -> Need:
        """What a step takes."""
        return Need(
            weights=self._weights(thrift),
            learning=float(_COPIES[thrift.optimizer] * self._learning),
            activations=self._activations[thrift.recompute],
        )

    def _weights(self, thrift: Thrift) -> float:
        frozen = self._frozen[thrift.modulation]
        small = BYTES[thrift.weights] / BYTES["plain"] * frozen.small
        return frozen.whole - frozen.small + small - (frozen.waiting if thrift.offload else 0)

    def _together(self, batch: Shapes) -> list[Shapes]:
        """What goes through the base at once."""
        if not self.family.one_by_one:
            return [batch]
        rows = range(len(batch.latents))
        return [
            Shapes(batch.latents[[row]], {n: v[[row]] for n, v in batch.conditions.items()})
            for row in rows
        ]

    def _kept(self, batch: Shapes) -> dict[str, float]:
        """Bytes by what is computed again, of which one block lies there beside all the rest."""
        whole, few = self._run(Thrift(), batch), self._run(Thrift(recompute="everything"), batch)
        again = few.kept + (whole.kept - few.kept) / max(len(blocks_of(self.transformer)), 1)
        return {
            "nothing": whole.kept,
            "all but attention": again + whole.attention,
            "everything": again,
        }

    def _run(self, thrift: Thrift, batch: Shapes) -> Kept:
        self.transformer.disable_gradient_checkpointing()
        thrift.spend_less(self.transformer)
        kept = Kept({weight.untyped_storage()._cdata for weight in self.transformer.parameters()})
        noisy = batch.latents.to(_META, torch.bfloat16)
        masks = self.family.masks
        conditions = {
            name: rows if name in masks else rows.to(_META)
            for name, rows in batch.conditions.items()
        }
        sigmas = torch.zeros(len(noisy))
        with kept:
            inputs = self.family.transformer_inputs(noisy, sigmas, conditions)
            self.transformer(**inputs, return_dict=False)
        return kept


def fitting_thrift(budget: Budget, memory: float, *, may_wait: bool = True) -> Thrift:
    """The fastest way to train that fits.

    Args:
        budget: of the base.
        memory: bytes that there are.
        may_wait: whether blocks may wait in the machine's memory.

    Raises:
        TooLarge: if not even the smallest does.
    """
    ways = [thrift for thrift in ORDER if may_wait or not thrift.offload]
    needs = {thrift: budget.need(thrift).total for thrift in ways}
    for thrift, total in needs.items():
        if total <= memory:
            _log.info("Counted %.1f of %.1f GB: %s.", total / GIGABYTE, memory / GIGABYTE, thrift)
            return thrift
    smallest = min(needs, key=needs.__getitem__)
    saved = "blocks that wait in the machine's memory"
    if not smallest.offload:
        saved = "frozen weights in 4 bits"
    if not may_wait:
        saved += ", no blocks that wait, for model.name_gate has none"
    raise TooLarge(
        f"Training this base would take about {needs[smallest] / GIGABYTE:.1f} GB at its smallest "
        f"({saved}, activations computed twice), and there are {memory / GIGABYTE:.1f}. "
        "Give a smaller --data.side, fewer --data.photos or no --data.clips, a smaller "
        "--model.rank, or choose a smaller base: 'starring bases' lists them."
    )


def cap_memory(device: torch.device, gigabytes: float | None) -> None:
    """Let this process take no more of a GPU's memory, or all of it if None is given."""
    if (whole := memory_of(device)) is not None:
        share = 1.0 if gigabytes is None else min(1.0, gigabytes * GIGABYTE / whole)
        torch.cuda.set_per_process_memory_fraction(share, device)


def memory_of(device: torch.device) -> float | None:
    """Bytes of a GPU's memory; None for a CPU, whose memory others share."""
    if device.type != "cuda" or not torch.cuda.is_available():
        return None
    return float(torch.cuda.get_device_properties(device).total_memory)
