"""What a training step takes is counted without numbers, and is what it takes with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import WanTransformer3DModel
from torch import Tensor
from torch.overrides import TorchFunctionMode

from bases.catalogue import find_base
from bases.errors import TooLarge
from bases.families import family_of
from bases.family import Family
from bases.wan import Wan
from finetune.adapter import add_lora
from finetune.budget import ORDER, Budget, Need, Shapes, Uncountable, fitting_thrift
from finetune.modulation import factorise
from finetune.thrift import Thrift
from finetune.train import train
from tests.conftest import CPU
from tests.finetune.test_thrift import BATCH
from tests.tiny_families import TINY
from tests.tiny_minimax_h3 import tiny_minimax_h3

CONDITIONS = {"encoder_hidden_states": torch.zeros(2, 5, 32, dtype=torch.bfloat16)}
SHAPES = Shapes(BATCH.latents, CONDITIONS)


def counted(family: Family, *batches: Shapes, rank: int = 16) -> Budget:
    expert, targets = family.experts[0], family.lora_targets
    return Budget(family, expert, rank=rank, targets=targets, batches=batches)


@pytest.fixture
def budget(family: Wan) -> Budget:
    return counted(family, SHAPES)


@pytest.mark.parametrize("kind", [kind for kind in TINY if kind != "minimax-h3-ref"])
def test_activations_are_those_that_autograd_keeps_in_mixed_precision(
    kind: str, tmp_path: Path
) -> None:
    family = family_of(find_base(str(TINY[kind](tmp_path / kind))))
    text = family.load("text", dtype=torch.bfloat16, device=CPU)
    latents = torch.zeros(1, *family.grid.latent_shape(32, 32, 9), dtype=torch.bfloat16)
    shapes = Shapes(latents, family.encode_prompt(text, "toto, waving"))
    counted_bytes = counted(family, shapes).need(Thrift()).activations
    assert counted_bytes == pytest.approx(kept_bytes(family, shapes), rel=0.05)


class LikeGPU(TorchFunctionMode):
    """Mixed precision on a GPU computes these in float32, on a CPU in what it is given."""

    names = frozenset({"layer_norm", "rms_norm", "group_norm", "pow", "__pow__", "rsqrt", "exp"})

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in self.names:
            args = [
                a.float() if isinstance(a, Tensor) and a.is_floating_point() else a for a in args
            ]
            given = (kwargs or {}).items()
            kwargs = {n: v.float() if isinstance(v, Tensor) else v for n, v in given}
        return func(*args, **(kwargs or {}))


def kept_bytes(family: Family, shapes: Shapes) -> int:
    """What autograd saves on the way through a transformer that has numbers."""
    expert, targets = family.experts[0], family.lora_targets
    transformer = family.load(expert.part, dtype=torch.bfloat16, device=CPU)
    add_lora(transformer, rank=16, alpha=16, targets=targets, seed=0)
    weights = {weight.untyped_storage().data_ptr() for weight in transformer.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        pointer = tensor.untyped_storage().data_ptr()
        if pointer not in weights:
            kept[pointer] = tensor
        return tensor

    sigmas = torch.full((1,), 0.5)
    inputs = family.transformer_inputs(shapes.latents, sigmas, shapes.conditions)
    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with torch.autocast("cpu", torch.bfloat16), hooks, LikeGPU():
        transformer(**inputs, return_dict=False)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def test_a_base_that_asks_for_numbers_says_that_it_cannot_be_counted(
    family: Wan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asking(self: WanTransformer3DModel, hidden_states: Tensor, **inputs: Any) -> Tensor:
        return hidden_states if hidden_states.sum().item() else -hidden_states

    monkeypatch.setattr(WanTransformer3DModel, "forward", asking)
    with pytest.raises(Uncountable, match="cannot be counted beforehand"):
        counted(family, SHAPES)


def test_each_way_to_save_takes_less_than_the_one_before(
    family: Wan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finetune.budget._AT_ONCE", 0)  # of the two that the tiny base has
    long = SHAPES._replace(latents=torch.zeros(2, *SHAPES.latents.shape[1:3], 32, 32))
    budget = counted(family, long)
    totals = [budget.need(thrift).total for thrift in ORDER]
    assert totals == sorted(totals, reverse=True)
    assert totals[0] == totals[1], "nothing of a Wan hears the noise level alone"
    assert len(set(totals)) == len(totals) - 1


def test_thin_modulation_is_counted_as_it_is_kept(tmp_path: Path) -> None:
    family = tiny_minimax_h3(tmp_path / "h3")
    budget = counted(family, rank=2)
    plain, thin = (budget.need(Thrift(modulation=how)) for how in ("plain", "factorised"))
    transformer = family.load("transformer", dtype=torch.bfloat16, device=CPU).bfloat16()
    before = bytes_of(transformer)
    factorise(transformer, family)
    assert plain.weights == before
    assert thin.weights == bytes_of(transformer)
    assert thin.weights != plain.weights


def bytes_of(module: torch.nn.Module) -> int:
    return sum(weight.numel() * weight.element_size() for weight in module.parameters())


def test_weights_and_what_learns_are_counted_by_the_number(family: Wan) -> None:
    budget = counted(family)
    model = family.load("transformer", dtype=torch.float32, device=CPU)
    numbers = sum(weight.numel() for weight in model.parameters())
    need = budget.need(Thrift())
    assert need.weights == 2 * numbers
    assert need.activations == 0
    assert budget.need(Thrift(weights="int8")).weights < 1.7 * numbers


def test_two_batches_are_kept_together(family: Wan, budget: Budget) -> None:
    two = counted(family, SHAPES, SHAPES)
    assert two.need(Thrift()).activations == 2 * budget.need(Thrift()).activations


def test_the_fastest_way_that_fits_is_chosen(budget: Budget) -> None:
    needs = [budget.need(thrift).total for thrift in ORDER]
    assert fitting_thrift(budget, needs[0]) == ORDER[0]
    assert fitting_thrift(budget, needs[2]) == ORDER[2]


def test_a_training_in_little_memory_goes_the_way_that_fits(
    home: Path,
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    budgets = []
    choose = fitting_thrift

    def chosen(budget: Budget, memory: float, *, may_wait: bool) -> Thrift:
        budgets.append(budget)
        return choose(budget, budget.need(ORDER[3]).total, may_wait=may_wait)

    monkeypatch.setattr("finetune.module.fitting_thrift", chosen)
    quick = dataclasses.replace(ORDER[3], attention="native")
    with caplog.at_level("INFO"):
        adapter = train(command(home, "--model.memory=5", "--model.thrift.attention=native"))
    assert len(budgets) == 1
    assert adapter.run["experts"][0]["thrift"] == dataclasses.asdict(quick)
    assert "recompute='everything'" in caplog.text


def test_a_gate_is_given_no_way_in_which_blocks_wait(
    home: Path,
    command: Callable[..., list[str]],
    budget: Budget,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def need(self: Budget, thrift: Thrift) -> Need:
        return Need(weights=1e9 if thrift.offload else 4e9, learning=0.0, activations=0.0)

    monkeypatch.setattr(Budget, "need", need)
    assert fitting_thrift(budget, 2e9).offload
    gate = ("--model.prior_weight=0.3", "--model.name_gate=3", "--model.memory=2")
    with pytest.raises(TooLarge, match=r"4\.4 GB at its smallest .*4 bits, no blocks that wait"):
        train(command(home, *gate))


def test_a_base_that_cannot_fit_says_what_it_would_take(
    home: Path, command: Callable[..., list[str]]
) -> None:
    with pytest.raises(TooLarge, match=r"take about 0\.0 GB at its smallest .* there are 0\.0"):
        train(command(home, "--model.memory=1e-6"))
    assert not (home / "adapters" / "toto").exists()


def test_what_was_chosen_by_hand_stays(home: Path, command: Callable[..., list[str]]) -> None:
    by_hand = ("--model.memory=1e-6", "--model.thrift.recompute=everything")
    adapter = train(command(home, *by_hand))
    assert adapter.run["experts"][0]["thrift"]["recompute"] == "everything"
