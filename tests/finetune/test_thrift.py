"""What saves memory or time leaves what is learnt the same, or nearly."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.attention_dispatch import _AttentionBackendRegistry
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from bases.catalogue import Base
from finetune.batches import Batch
from finetune.errors import TrainingError
from finetune.module import LoraModule
from finetune.thrift import _ATTENTION, Thrift, blocks_of
from finetune.train import train
from tests.tiny_base import CHANNELS

BATCH = Batch(
    "photos",
    7,
    1.0,
    torch.randn(2, CHANNELS, 2, 4, 4, generator=torch.Generator().manual_seed(0)),
    [{"encoder_hidden_states": torch.ones(5, 32)}] * 2,
)
TINY_LINEAR = {"fp8": 0.1, "int8": 0.05, "nf4": 0.4}
"""How far gradients may be off; layers of 24 numbers round worse than real ones."""


def learnt(tiny: Base, thrift: Thrift) -> tuple[Tensor, Any]:
    """One step's gradients, of second layers that are not zero, and the transformer."""
    module = LoraModule(base=tiny.source, seed=3, thrift=thrift)
    module.log = lambda *_, **__: None  # type: ignore[method-assign]
    module.configure_model()
    generator = torch.Generator().manual_seed(1)
    learning = [w for w in module.transformer.parameters() if w.requires_grad]
    for weight in learning:
        weight.data = torch.randn(weight.shape, generator=generator) * 0.1
    module.training_step([BATCH], 0).backward()
    return torch.cat([weight.grad.flatten() for weight in learning]), module.transformer


@pytest.mark.parametrize("recompute", ["all but attention", "everything"])
def test_what_is_computed_again_comes_out_the_same(tiny: Base, recompute: Any) -> None:
    plain, _ = learnt(tiny, Thrift())
    thrifty, _ = learnt(tiny, Thrift(recompute=recompute))
    torch.testing.assert_close(thrifty, plain)


def test_what_is_computed_again_is_not_kept(tiny: Base) -> None:
    assert _bytes_kept(tiny, "everything") < _bytes_kept(tiny, "nothing") / 2


def test_attention_is_not_computed_again_where_it_is_kept(tiny: Base) -> None:
    class Count(TorchDispatchMode):
        calls = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None):
            self.calls += func in _ATTENTION
            return func(*args, **(kwargs or {}))

    def calls(recompute: Any) -> int:
        with Count() as count:
            learnt(tiny, Thrift(recompute=recompute))
        return count.calls

    once = calls("nothing")
    assert once > 0
    assert calls("everything") == 2 * once
    assert calls("all but attention") == once


def _bytes_kept(tiny: Base, recompute: Any) -> int:
    module = LoraModule(base=tiny.source, thrift=Thrift(recompute=recompute))
    module.log = lambda *_, **__: None  # type: ignore[method-assign]
    module.configure_model()
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = module.training_step([BATCH], 0)
    weights = {weight.data_ptr() for weight in module.transformer.parameters()}
    assert loss.requires_grad
    return sum(size for place, size in kept.items() if place not in weights)


@pytest.mark.parametrize("weights", list(TINY_LINEAR))
def test_small_weights_give_nearly_the_same_gradients(tiny: Base, weights: Any) -> None:
    plain, _ = learnt(tiny, Thrift())
    small, transformer = learnt(tiny, Thrift(weights=weights))
    off = (small - plain).norm() / plain.norm()
    assert 0 < off < TINY_LINEAR[weights]
    layer = next(iter(blocks_of(transformer).values())).attn1.to_q.base_layer
    assert getattr(layer.weight, "qdata", layer.weight).element_size() == 1


@pytest.mark.parametrize(
    "thrift",
    [{"weights": "nf4", "recompute": "everything"}, {"weights": "int8", "optimizer": "adamw8bit"}],
)
@pytest.mark.usefixtures("eager")
def test_a_thrifty_training_ends_with_an_adapter(
    home: Path,
    command: Callable[..., list[str]],
    thrift: dict[str, str],
) -> None:
    chosen = (f"--model.thrift.{name}={value}" for name, value in thrift.items())
    adapter = train(command(home, *chosen))
    assert adapter.run["experts"][0]["config"]["model"]["thrift"]["weights"] == thrift["weights"]


def test_an_attention_that_this_machine_lacks_is_named(tiny: Base) -> None:
    with pytest.raises(TrainingError, match="thrift.attention='sage' does not work here"):
        learnt(tiny, Thrift(attention="sage"))


def test_an_attention_is_chosen_for_this_transformer_alone(tiny: Base) -> None:
    before = _AttentionBackendRegistry.get_active_backend()[0]
    _, transformer = learnt(tiny, Thrift(attention="_native_math"))
    chosen = {m.processor._attention_backend for m in transformer.modules() if hasattr(m, "to_q")}
    assert {backend.value for backend in chosen} == {"_native_math"}
    assert _AttentionBackendRegistry.get_active_backend()[0] == before


def test_an_attention_that_cannot_be_chosen_is_refused() -> None:
    with pytest.raises(TrainingError, match="is PyTorch's own and cannot be chosen"):
        Thrift(attention="_native_math").spend_less(nn.Linear(2, 2))


def test_a_missing_library_is_named_with_what_installs_it(
    tiny: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(TrainingError, match=r"pip install 'starring\[thrift\]'"):
        learnt(tiny, Thrift(weights="nf4"))
