"""Bases that have guidance in their weights are trained so that they keep it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bases.catalogue import Base
from bases.wan import Wan
from finetune.adapter import HELPER, WEIGHTS, Adapter, base_alone, load_lora, without_help
from finetune.batches import Batch
from finetune.callbacks import ExportAdapter
from finetune.errors import BrokenAdapter, TrainingError
from finetune.module import LoraModule
from finetune.train import train
from subjects.files import file_digest
from tests.conftest import CPU
from tests.finetune.test_module import Oracle
from tests.tiny_base import CHANNELS

GUIDANCE, OFF = 4.0, 0.3


class Distilled(Oracle):
    """Draws with a prompt what guidance would have made of it."""

    peft_config: ClassVar[dict[str, Any]] = {}

    def disable_adapters(self) -> None:
        """There is none."""

    enable_adapters = disable_adapters

    def forward(self, encoder_hidden_states: Tensor, **inputs: Any) -> tuple[Tensor]:
        (flow,) = super().forward(**inputs)
        plain = flow + OFF
        prompted = encoder_hidden_states.flatten(1).any(dim=1).view(-1, 1, 1, 1, 1)
        return (torch.where(prompted, plain + GUIDANCE * (flow - plain), plain),)


@pytest.mark.parametrize(("told", "loss"), [(GUIDANCE, 0.0), (2.0, (2 * OFF) ** 2)])
@pytest.mark.parametrize("prompts", [(1.0, 1.0), (1.0, 0.0)], ids=["both", "one was dropped"])
def test_the_guidance_in_a_base_is_no_error(
    tiny: Base,
    monkeypatch: pytest.MonkeyPatch,
    told: float,
    loss: float,
    prompts: tuple[float, float],
) -> None:
    module = LoraModule(base=tiny.source, guidance_loss=told)
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    latents = torch.randn(2, CHANNELS, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    batch = Batch(
        name="photos",
        number=0,
        weight=1.0,
        latents=latents,
        conditions=[{"encoder_hidden_states": torch.full((5, 32), prompt)} for prompt in prompts],
        unprompted=({"encoder_hidden_states": torch.zeros(5, 32)},) * 2,
    )
    module.transformer = Distilled(latents)
    assert module.training_step([batch], 0).item() == pytest.approx(loss, abs=1e-3)


def test_a_distilled_base_is_not_trained_as_if_it_were_not(
    tiny: Base, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="give one of them"):
        LoraModule(base=tiny.source, guidance_loss=4.0, training_adapter=tmp_path / "a.safetensors")
    monkeypatch.setattr(Wan, "takes_guidance", False)
    with pytest.raises(TrainingError, match=r"distilled.*guidance_loss.*training_adapter"):
        LoraModule(base=tiny.source)


def test_an_adapter_that_helps_counts_in_training(
    home: Path, command: Callable[..., list[str]], trained: Adapter, tiny: Base
) -> None:
    helper = trained.folder / WEIGHTS
    helped = train(command(home, f"--model.training_adapter={helper}", "--output.preview_every=2"))
    alone = train(command(home, "--output.name=without"))
    ours, without = load_file(helped.folder / WEIGHTS), load_file(alone.folder / WEIGHTS)
    assert set(ours) == set(without)
    assert any(not torch.equal(ours[name], without[name]) for name in ours if ".lora_B." in name)
    (said,), (nothing,) = helped.run["experts"], alone.run["experts"]
    assert said["training_adapter"] == file_digest(helper)
    assert nothing["training_adapter"] is None


def test_a_run_that_was_stopped_does_not_go_on_with_another_helper(
    home: Path,
    command: Callable[..., list[str]],
    trained: Adapter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    helper = tmp_path / "helper.safetensors"
    helper.write_bytes((trained.folder / WEIGHTS).read_bytes())
    arguments = command(home, f"--model.training_adapter={helper}", "--output.save_every=1")
    monkeypatch.setattr(ExportAdapter, "write", _interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(arguments)
    halved = {name: weight / 2 for name, weight in load_file(helper).items()}
    save_file(halved, helper)
    with pytest.raises(TrainingError, match="training adapter was "):
        train(arguments)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_it_learns_nothing_and_is_left_out_of_previews(tiny: Base, trained: Adapter) -> None:
    module = LoraModule(base=tiny.source, training_adapter=trained.folder / WEIGHTS)
    module.configure_model()
    transformer = module.transformer
    assert set(transformer.active_adapters()) == {"default", HELPER}
    learning = {name for name, weight in module.named_parameters() if weight.requires_grad}
    assert learning
    assert not any(HELPER in name for name in learning)
    with without_help(transformer):
        assert transformer.active_adapters() == ["default"]
    with base_alone(transformer):
        assert transformer.active_adapters() == [HELPER]
    assert set(transformer.active_adapters()) == {"default", HELPER}
    assert learning == {name for name, weight in module.named_parameters() if weight.requires_grad}
    saved = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(saved)
    assert saved["state_dict"]
    assert not any(HELPER in name for name in saved["state_dict"])


@pytest.mark.parametrize(
    "fault", ["missing", "damaged", "empty", "of another model", "of another transformer"]
)
def test_a_file_that_does_not_fit_is_named(
    tmp_path: Path, family: Wan, trained: Adapter, fault: str
) -> None:
    path = tmp_path / "helper.safetensors"
    if fault == "damaged":
        path.write_bytes(b"nothing")
    if fault == "of another model":
        path.write_bytes((trained.folder / WEIGHTS).read_bytes().replace(b"blocks.0", b"bricks.0"))
    if fault == "empty":
        save_file({}, path)
    if fault == "of another transformer":
        weights = load_file(trained.folder / WEIGHTS)
        save_file({f"transformer_ref{name[11:]}": w for name, w in weights.items()}, path)
    transformer = family.load("transformer", dtype=torch.float32, device=CPU)
    with pytest.raises(BrokenAdapter, match=r"helper\.safetensors"):
        load_lora(transformer, path, HELPER)
