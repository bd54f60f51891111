"""What a training step takes is counted without numbers, and is what it takes with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bases.errors import TooLarge
from bases.wan import Wan
from finetune.adapter import add_lora
from finetune.budget import ORDER, Budget, Need, Shapes, fitting_thrift
from finetune.modulation import factorise
from finetune.thrift import Thrift
from finetune.train import train
from tests.conftest import CPU
from tests.finetune.test_thrift import BATCH
from tests.tiny_minimax_h3 import tiny_minimax_h3

CONDITIONS = {"encoder_hidden_states": torch.zeros(2, 5, 32, dtype=torch.bfloat16)}
SHAPES = Shapes(BATCH.latents, CONDITIONS)


@pytest.fixture
def budget(family: Wan) -> Budget:
    return Budget(family, family.experts[0], rank=16, targets=family.lora_targets)


def test_activations_are_those_that_autograd_keeps(family: Wan, budget: Budget) -> None:
    transformer = family.load("transformer", dtype=torch.bfloat16, device=CPU)
    add_lora(transformer, rank=16, alpha=16, targets=family.lora_targets, seed=0)
    weights = {weight.untyped_storage().data_ptr() for weight in transformer.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    sigmas = torch.full((2,), 0.5)
    inputs = family.transformer_inputs(SHAPES.latents.bfloat16(), sigmas, CONDITIONS)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        transformer(**inputs, return_dict=False)
    counted = budget.need(Thrift(), [SHAPES]).activations
    assert counted == pytest.approx(sum(kept.values()), rel=0.1)


def test_each_way_to_save_takes_less_than_the_one_before(
    family: Wan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("finetune.budget._AT_ONCE", 0)  # of the two that the tiny base has
    budget = Budget(family, family.experts[0], rank=16, targets=family.lora_targets)
    long = SHAPES._replace(latents=torch.zeros(2, *SHAPES.latents.shape[1:3], 32, 32))
    totals = [budget.need(thrift, [long]).total for thrift in ORDER]
    assert totals == sorted(totals, reverse=True)
    assert totals[0] == totals[1], "nothing of a Wan hears the noise level alone"
    assert len(set(totals)) == len(totals) - 1


def test_thin_modulation_is_counted_as_it_is_kept(tmp_path: Path) -> None:
    family = tiny_minimax_h3(tmp_path / "h3")
    budget = Budget(family, family.experts[0], rank=2, targets=family.lora_targets)
    plain, thin = (budget.need(Thrift(modulation=how), []) for how in ("plain", "factorised"))
    transformer = family.load("transformer", dtype=torch.bfloat16, device=CPU).bfloat16()
    before = bytes_of(transformer)
    factorise(transformer, family)
    assert plain.weights == before
    assert thin.weights == bytes_of(transformer)
    assert thin.weights != plain.weights


def bytes_of(module: torch.nn.Module) -> int:
    return sum(weight.numel() * weight.element_size() for weight in module.parameters())


def test_weights_and_what_learns_are_counted_by_the_number(budget: Budget, family: Wan) -> None:
    model = family.load("transformer", dtype=torch.float32, device=CPU)
    numbers = sum(weight.numel() for weight in model.parameters())
    need = budget.need(Thrift(), [])
    assert need.weights == 2 * numbers
    assert need.activations == 0
    assert budget.need(Thrift(weights="int8"), []).weights < 1.7 * numbers


def test_two_batches_are_kept_together(budget: Budget) -> None:
    one = budget.need(Thrift(), [SHAPES]).activations
    assert budget.need(Thrift(), [SHAPES, SHAPES]).activations == 2 * one


def test_the_fastest_way_that_fits_is_chosen_and_said(
    home: Path, command: Callable[..., list[str]], budget: Budget
) -> None:
    needs = [budget.need(thrift, [SHAPES]).total for thrift in ORDER]
    assert fitting_thrift(budget, needs[0], [SHAPES]) == ORDER[0]
    assert fitting_thrift(budget, needs[2], [SHAPES]) == ORDER[2]
    adapter = train(command(home, "--model.memory=5"))
    assert adapter.run["experts"][0]["thrift"] == dataclasses.asdict(ORDER[0])


def test_a_gate_is_given_no_way_in_which_blocks_wait(
    home: Path,
    command: Callable[..., list[str]],
    budget: Budget,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def need(self: Budget, thrift: Thrift, batches: Any) -> Need:
        return Need(weights=1e9 if thrift.offload else 4e9, learning=0.0, activations=0.0)

    monkeypatch.setattr(Budget, "need", need)
    assert fitting_thrift(budget, 2e9, [SHAPES]).offload
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
