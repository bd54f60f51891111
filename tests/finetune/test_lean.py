"""Lean LoRA layers give what PEFT's own give, forwards and backwards, or go PEFT's way."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora.layer import Linear
from torch import Tensor, nn

from finetune.lean import LeanLinear, make_lean


def layers(*, bias: bool = True, **settings: object) -> tuple[nn.Module, nn.Module]:
    """The same layer in PEFT's way and in ours."""
    torch.manual_seed(0)
    settings = {"r": 4, "lora_alpha": 6, "target_modules": ["0"], **settings}
    config = LoraConfig(init_lora_weights=False, **settings)  # type: ignore[arg-type]
    theirs = inject_adapter_in_model(config, nn.Sequential(nn.Linear(24, 40, bias=bias)))
    ours = copy.deepcopy(theirs)
    make_lean(ours)
    return theirs, ours


def step(model: nn.Module, x: Tensor, *, learning: nn.Module | None = None) -> dict[str, Tensor]:
    """Outputs and all gradients of one step, in which the output is used twice."""
    x = x.clone().requires_grad_()
    output = model(x)
    (output.float().square().mean() + output.float().sin().mean()).backward()
    weights = (learning or model).named_parameters()
    gradients = {n: w.grad for n, w in weights if w.grad is not None}
    assert x.grad is not None
    return {"output": output, "x": x.grad, **gradients}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(24,), (7, 24), (2, 7, 24)])
def test_a_step_is_that_of_peft(shape: tuple[int, ...], bias: bool) -> None:
    theirs, ours = layers(bias=bias)
    x = torch.randn(shape)
    expected, found = step(theirs, x), step(ours, x)
    assert found.keys() == expected.keys()
    assert len(found) == 4
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor)


def test_gradients_are_those_of_the_formula() -> None:
    _, ours = layers()
    ours.double()
    x = torch.randn(3, 24, dtype=torch.float64, requires_grad=True)
    slot = ours[0]
    weights = (slot.lora_A["default"].weight, slot.lora_B["default"].weight)

    def of(x: Tensor, *_: Tensor) -> Tensor:
        output: Tensor = ours(x)
        return output

    assert torch.autograd.gradcheck(of, (x, *weights))


@pytest.mark.parametrize("base", [torch.float32, torch.bfloat16])
def test_mixed_precision_is_close_to_peft_and_keeps_the_weights_whole(base: torch.dtype) -> None:
    theirs, ours = layers()
    for model in (theirs, ours):
        model[0].base_layer.to(base)
    with torch.autocast("cpu", torch.bfloat16):
        x = torch.randn(5, 24, dtype=base)
        expected, found = step(theirs, x), step(ours, x)
    assert found["output"].dtype == torch.bfloat16
    for name, tensor in expected.items():
        assert found[name].dtype == (base if name == "x" else tensor.dtype)
        torch.testing.assert_close(found[name].float(), tensor.float(), atol=0.03, rtol=0.05)


def test_a_step_over_a_recomputed_layer_is_the_same() -> None:
    _, ours = layers()
    x = torch.randn(5, 24)
    plain = step(ours, x)
    ours.zero_grad()

    class Again(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            output: Tensor = torch.utils.checkpoint.checkpoint(ours, x, use_reentrant=False)
            return output

    again = step(Again(), x, learning=ours)
    torch.testing.assert_close(again, plain, atol=0, rtol=0)


@pytest.mark.parametrize(
    "settings", [{"lora_dropout": 0.5}, {"use_dora": True}, {"lora_bias": True}]
)
def test_what_is_not_covered_goes_the_way_of_peft(settings: dict[str, object]) -> None:
    theirs, ours = layers(**settings)
    assert type(theirs[0]) is Linear
    assert type(ours[0]) is LeanLinear
    x = torch.randn(5, 24)
    torch.manual_seed(1)
    expected = step(theirs, x)
    torch.manual_seed(1)
    found = step(ours, x)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=0, rtol=0)


def test_an_adapter_that_is_off_changes_nothing_and_two_add_up() -> None:
    theirs, ours = layers()
    x = torch.randn(5, 24)
    ours[0].enable_adapters(False)
    torch.testing.assert_close(ours(x), ours[0].base_layer(x), atol=0, rtol=0)
    ours[0].enable_adapters(True)
    for model in (theirs, ours):
        torch.manual_seed(3)
        config = LoraConfig(r=2, target_modules=["0"], init_lora_weights=False)
        inject_adapter_in_model(config, model, adapter_name="other")
        model[0].set_adapter(["default", "other"])
    torch.testing.assert_close(ours(x), theirs(x), atol=0, rtol=0)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated")  # by torch.compile itself
def test_a_step_over_a_compiled_layer_is_the_same() -> None:
    _, ours = layers()
    x = torch.randn(5, 24)
    plain = step(ours, x)
    ours.zero_grad()
    graph = torch.compile(ours, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(step(graph, x, learning=ours), plain, atol=0, rtol=0)


def test_precisions_that_nothing_brings_together_go_the_way_of_peft() -> None:
    theirs, ours = layers()
    for model in (theirs, ours):
        model[0].base_layer.bfloat16()
    x = torch.randn(5, 24, dtype=torch.bfloat16)
    expected, found = step(theirs, x), step(ours, x)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=0, rtol=0)
