"""Layers that begin by hearing the subject's name alone change what is said of nobody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from bases.catalogue import Base
from finetune.adapter import Adapter
from finetune.errors import TrainingError
from finetune.gate import Asking, _made_of, hear_the_name, louder
from finetune.module import LoraModule
from finetune.thrift import Thrift
from finetune.train import train
from inference.clip import Clip
from inference.render import Renderer
from subjects import Subject
from tests.conftest import CPU
from tests.tiny_mochi import write_tiny_mochi

NAMED, UNNAMED = 7.0, 1.0


def tokens(count: int, seed: int) -> Tensor:
    """Some that are louder in the later of twelve numbers, as all are."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 12, generator=generator) * torch.linspace(0.1, 3, 12)


def test_the_loudest_direction_is_where_the_name_is() -> None:
    own, others = tokens(400, 0), tokens(900, 1)
    own[:, 2] += 5 * others[:, 2].std()
    directions, times = louder(own, others)
    assert directions[0].abs().argmax() == 2
    assert times[0] == pytest.approx(26, rel=0.3)
    assert (times[1:] < 2).all()
    assert (others @ directions.T).square().mean(0) == pytest.approx(torch.ones(8), rel=0.2)


def test_where_nothing_differs_nothing_is_loud() -> None:
    """Few tokens in many numbers would seem to, did not others measure it."""
    _, times = louder(tokens(30, 0), tokens(30, 1))
    assert (times < 10).all()


@pytest.fixture
def module(tiny: Base) -> LoraModule:
    module = LoraModule(base=tiny.source, rank=4, seed=3)
    module.configure_model()
    return module


def asking_about(module: LoraModule) -> Asking:
    """Prompts of random tokens, of which those about the subject have one of its own."""
    generator = torch.Generator().manual_seed(2)
    prompts = torch.randn(24, 5, 32, generator=generator)
    name = torch.randn(32, generator=generator) * 3
    noisy = torch.randn(24, 4, 1, 4, 4, generator=generator)

    def ask(named: bool) -> None:
        for latents, words in zip(noisy, prompts, strict=True):
            said = torch.cat([name[None], words[1:]]) if named else words
            told = [{"encoder_hidden_states": said}]
            module._predict(latents[None], torch.tensor([0.6]), told)

    return Asking(named=lambda: ask(True), unnamed=lambda: ask(False))


def lora_layers(transformer: torch.nn.Module) -> dict[str, Any]:
    return {
        name: layer
        for name, layer in transformer.named_modules()
        if hasattr(layer, "lora_A") and "default" in layer.lora_A
    }


def test_what_a_layer_hears_is_loud_under_the_name(module: LoraModule) -> None:
    asking, transformer = asking_about(module), module.transformer
    before = set(lora_layers(transformer))
    told = hear_the_name(transformer, "attn2", asking, loudness=3.0)
    layers = lora_layers(transformer)
    assert told > 2
    assert set(layers) < before
    assert {f"blocks.{block}.attn2.{part}" for block in (0, 1) for part in ("to_k", "to_v")} <= set(
        layers
    )
    assert any("attn1" in name or "ffn" in name for name in layers)
    for name, (own, others) in asking.heard(layers).items():
        if "attn2.to_k" in name or "attn2.to_v" in name:
            continue
        down = layers[name].lora_A["default"].weight
        energies = [(heard @ down.T).square().mean().item() for heard in (own, others)]
        assert energies[0] > 10 * energies[1], name


def test_a_layer_that_hears_no_name_is_no_part_of_the_adapter(module: LoraModule) -> None:
    hear_the_name(module.transformer, "attn2", asking_about(module), loudness=3.0)
    config = module.transformer.peft_config["default"]
    layers = lora_layers(module.transformer)
    assert "blocks.0.attn1.to_q" not in layers, "nothing was written before it"
    assert set(config.target_modules.replace("\\", "").split("|")) == set(layers)


def test_a_base_that_listens_nowhere_in_particular_is_refused(tmp_path: Path) -> None:
    source = str(write_tiny_mochi(tmp_path / "mochi"))
    with pytest.raises(TrainingError, match=r"name_gate=3\.0 wants a base whose blocks listen"):
        LoraModule(base=source, name_gate=3.0, prior_weight=0.3)


def test_layers_where_nobody_listens_are_refused(
    home: Path, command: Callable[..., list[str]]
) -> None:
    chosen = ("--model.prior_weight=0.3", "--model.name_gate=3", r"--model.targets=.*ffn\.net\.2")
    with pytest.raises(TrainingError, match=r"LoRA layer on 'blocks\.0\.attn2\.to_v'"):
        train(command(home, *chosen))


def test_a_gate_wants_what_keeps_it(tiny: Base) -> None:
    with pytest.raises(TrainingError, match=r"name_gate=3\.0 wants a model\.prior_weight"):
        LoraModule(base=tiny.source, name_gate=3.0)
    with pytest.raises(TrainingError, match=r"strength=0\.5 would weaken how the name is heard"):
        LoraModule(base=tiny.source, name_gate=3.0, prior_weight=0.3, strength=0.5)


def test_layers_that_wait_outside_have_no_gate(tiny: Base) -> None:
    waiting = Thrift(offload=True)
    with pytest.raises(TrainingError, match=r"thrift\.offload=True do not go together"):
        LoraModule(base=tiny.source, name_gate=3.0, prior_weight=0.3, thrift=waiting)


@pytest.mark.parametrize("weights", ["plain", "int8", "nf4"])
def test_what_a_layer_makes_of_its_input_is_told_in_however_many_bits(
    tiny: Base, weights: Any
) -> None:
    module = LoraModule(base=tiny.source, rank=4, thrift=Thrift(weights=weights))
    module.configure_model()
    layer = module.transformer.get_submodule("blocks.0.attn1.to_q")
    rows = tokens(6, 0)[:, :1].expand(-1, layer.in_features) * torch.arange(layer.in_features)
    with torch.no_grad():
        made = _made_of(layer, rows, torch.float32)
        expected = layer(rows) - layer(torch.zeros_like(rows))
    torch.testing.assert_close(made, expected, rtol=1e-3, atol=1e-3)


@pytest.fixture
def adapter(
    tmp_path: Path, add_to: Callable[..., Subject], command: Callable[..., list[str]]
) -> Adapter:
    add_to(tmp_path / "home")
    gate = ("--model.prior_weight=0.3", "--model.name_gate=3")
    return train(command(tmp_path / "home", *gate, steps=3))


@pytest.mark.parametrize(("told", "warned"), [(29.0, 1), (31.0, 0)])
def test_a_trigger_that_is_hardly_heard_is_told_of(
    told: float,
    warned: int,
    home: Path,
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("finetune.module.hear_the_name", lambda *_, **__: told)
    train(command(home, "--model.prior_weight=0.3", "--model.name_gate=3", steps=1))
    said = [record for record in caplog.messages if "times as loud as other words" in record]
    assert len(said) == warned
    assert all("'toto' 29 times" in line and "edit toto --trigger" in line for line in said)


def test_one_that_learnt_nothing_is_refused_though_a_gate_has_set_it(
    home: Path, command: Callable[..., list[str]]
) -> None:
    gate = ("--model.prior_weight=0.3", "--model.name_gate=3")
    with pytest.raises(TrainingError, match="has learnt nothing"):
        train(command(home, *gate, "--model.lr=1e-46", steps=1))


def test_the_adapter_is_one_like_others(adapter: Adapter, tiny: Base) -> None:
    (path,) = adapter.files.values()
    weights = load_file(path)
    assert all(weight.abs().max() > 0 for weight in weights.values())
    renderer = Renderer(tiny, device=CPU, progress=False)
    plain = renderer.render("toto, an object", Clip(seed=1))
    with renderer.adapter(adapter):
        changed = renderer.render("toto, an object", Clip(seed=1))
    assert (plain != changed).any()
