"""The module trains towards the flow, with noise that depends on seed and step alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import finetune.module
from bases.catalogue import Base
from bases.wan import TIMESTEPS
from finetune.batches import Batch
from finetune.module import LoraModule
from tests.tiny_base import CHANNELS


class Oracle(nn.Module):
    """Knows the clean latents, so that it can tell the flow from the noisy ones exactly."""

    def __init__(self, clean: Tensor, off: float | Tensor = 0.0) -> None:
        super().__init__()
        self.clean, self.off = clean, off
        self.seen: list[dict[str, Any]] = []

    def forward(self, hidden_states: Tensor, timestep: Tensor, **rest: Any) -> tuple[Tensor]:
        self.seen.append({"hidden_states": hidden_states, "timestep": timestep, **rest})
        level = (timestep / TIMESTEPS).view(-1, 1, 1, 1, 1)
        noise = (hidden_states - (1 - level) * self.clean) / level
        return (noise - self.clean + self.off,)


@pytest.fixture
def module(tiny: Base, monkeypatch: pytest.MonkeyPatch) -> LoraModule:
    module = LoraModule(base=tiny.source, seed=3)
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    return module


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(3, CHANNELS, 2, 4, 4, generator=generator)
    conditions = [{"encoder_hidden_states": torch.zeros(5, 32)}] * 3
    return Batch("photos", 7, 1.0, latents, conditions)


def test_a_perfect_prediction_has_no_loss(module: LoraModule, batch: Batch) -> None:
    module.transformer = Oracle(batch.latents)
    assert module.training_step([batch], 0).item() < 1e-6
    module.transformer = Oracle(batch.latents, off=0.5)
    assert module.training_step([batch], 0).item() == pytest.approx(0.25, abs=1e-3)


def test_a_batch_counts_by_its_weight(module: LoraModule, batch: Batch) -> None:
    module.transformer = Oracle(batch.latents, off=0.5)
    both = [batch, batch._replace(name="clips", weight=0.5)]
    assert module.training_step(both, 0).item() == pytest.approx(0.375, abs=1e-3)


def test_how_a_held_photo_stands_still_is_not_learnt(module: LoraModule, batch: Batch) -> None:
    latents = batch.latents.repeat(1, 1, 3, 1, 1)[:, :, :5]
    held = batch._replace(name="held", latents=latents)
    sway = torch.zeros(1, 1, 5, 1, 1)
    sway[:, :, 1::2], sway[:, :, 2::2] = 0.5, -0.5
    for off, loss in ((sway, 0.0), (0.5 * torch.ones(5)[:, None, None], 0.25 * (1 + 4 * 4) / 5)):
        module.transformer = Oracle(latents, off=off)
        assert module.training_step([held], 0).item() == pytest.approx(loss, abs=1e-3)
    assert module.training_step([held._replace(name="photos")], 0).item() > 0.2


def test_an_error_on_the_head_counts_for_more(module: LoraModule, batch: Batch) -> None:
    off = torch.zeros(3, CHANNELS, 2, 4, 4)
    off[..., :2] = 1.0
    module.transformer = Oracle(batch.latents, off=off)
    half = torch.zeros(3, 1, 1, 4, 4)
    half[..., :2] = 1.0
    plain = module.training_step([batch], 0).item()
    assert plain == pytest.approx(0.5, abs=1e-3)
    module.face_weight = 3.0
    assert module.training_step([batch], 0).item() == pytest.approx(plain, abs=1e-3)
    weighted = module.training_step([batch._replace(faces=half)], 0).item()
    assert weighted == pytest.approx(4 / 5, abs=1e-3)


def test_an_error_beside_the_subject_counts_for_less(module: LoraModule, batch: Batch) -> None:
    off = torch.zeros(3, CHANNELS, 2, 4, 4)
    off[..., :2] = 1.0
    module.transformer = Oracle(batch.latents, off=off)
    right = torch.zeros(3, 1, 1, 4, 4)
    right[..., 2:] = 1.0
    known = batch._replace(subjects=right)
    assert module.training_step([known], 0).item() == pytest.approx(0.5, abs=1e-3)
    module.background_weight = 0.25
    assert module.training_step([known], 0).item() == pytest.approx(0.25 / 1.25, abs=1e-3)
    assert module.training_step([batch], 0).item() == pytest.approx(0.5, abs=1e-3)
    module.background_weight = 0.0
    nowhere = batch._replace(subjects=torch.zeros(3, 1, 1, 4, 4))
    assert module.training_step([nowhere], 0).item() == 0


@pytest.fixture
def learning(module: LoraModule) -> LoraModule:
    """A module whose adapter already changes something."""
    module.configure_model()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in module.transformer.named_parameters():
            if ".lora_B." in name:
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.05)
    return module


def keeping(batch: Batch, asked: list[dict[str, Tensor]]) -> Batch:
    """A batch whose motion is the base's under some prompts, which are about others too."""
    return batch._replace(asked=tuple(asked), others=tuple(asked))


def test_a_subject_that_moves_as_the_base_does_has_no_loss(
    learning: LoraModule, batch: Batch
) -> None:
    moves = keeping(batch, batch.conditions)
    changed = learning.training_step([moves], 0).item()
    for module in learning.transformer.modules():
        if hasattr(module, "scaling"):
            module.scaling = dict.fromkeys(module.scaling, 0.0)
    assert learning.training_step([moves], 0).item() < 1e-9 < changed


class Changing(Oracle):
    """Is off by more each time that it is asked."""

    def forward(self, *arguments: Any, **rest: Any) -> tuple[Tensor]:
        return (super().forward(*arguments, **rest)[0] + len(self.seen) * self.drift,)


def test_what_all_frames_share_is_forgiven(
    module: LoraModule, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = keeping(batch, batch.conditions)
    monkeypatch.setattr(finetune.module, "base_alone", lambda model: nullcontext())
    module.transformer = Changing(batch.latents)
    module.transformer.drift = 1.0
    assert module.training_step([moves], 0).item() < 1e-6
    module.transformer.drift = torch.arange(2.0).view(1, 1, 2, 1, 1)
    assert module.training_step([moves], 0).item() > 0.01


def test_the_first_frame_may_be_of_somebody_else_alone(
    module: LoraModule, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For its latents stand for one frame of the clip, and the others' for several."""
    latents = torch.cat((batch.latents, batch.latents[:, :, :1]), 2)
    moves = keeping(batch, batch.conditions)._replace(latents=latents)
    monkeypatch.setattr(finetune.module, "base_alone", lambda model: nullcontext())
    module.transformer = Changing(latents)
    module.transformer.drift = torch.tensor([5.0, 1.0, 1.0]).view(1, 1, 3, 1, 1)
    assert module.training_step([moves], 0).item() < 1e-6
    module.transformer.drift = torch.tensor([0.0, 0.0, 1.0]).view(1, 1, 3, 1, 1)
    assert module.training_step([moves], 0).item() > 0.01


def test_clips_that_are_compared_have_noise_of_their_own(
    tiny: Base, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune.module, "base_alone", lambda model: nullcontext())
    least = {}
    for shift in (None, 1000.0):
        module = LoraModule(base=tiny.source, seed=3, clip_shift=shift)
        monkeypatch.setattr(module, "log", lambda *_, **__: None)
        for name, asked in (("photos", batch), ("clips", keeping(batch, batch.conditions))):
            module.transformer = Oracle(batch.latents)
            module.training_step([asked], 0)
            levels = [seen["timestep"].min().item() for seen in module.transformer.seen]
            least[name, shift] = min(levels) / TIMESTEPS
    assert least["photos", 1000.0] == least["photos", None] == least["clips", None] < 0.8
    assert least["clips", 1000.0] > 0.95


def test_what_the_adapter_makes_of_somebody_else_counts_by_its_weight(
    module: LoraModule, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = keeping(batch, [{"encoder_hidden_states": torch.ones(5, 32)}] * 3)
    monkeypatch.setattr(finetune.module, "base_alone", lambda model: nullcontext())
    module.transformer = Changing(batch.latents)
    module.transformer.drift, module.prior_weight = 1.0, 0.5
    assert module.training_step([moves], 0).item() == pytest.approx(0.5, abs=1e-3)
    assert set(module.losses) == {"photos", "prior of photos"}
    prompts = [seen["encoder_hidden_states"].mean().item() for seen in module.transformer.seen]
    assert prompts == [1, 0, 1, 1]
    dropped = keeping(batch, batch.conditions)
    module.training_step([dropped], 0)
    assert set(module.losses) == {"photos"}


def test_learning_to_leave_others_alone_lowers_what_that_costs(
    learning: LoraModule, batch: Batch
) -> None:
    learning.prior_weight = 1.0
    moves = keeping(batch, [{"encoder_hidden_states": torch.ones(5, 32)}] * 3)._replace(weight=0.0)
    weights = [w for w in learning.transformer.parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-2)
    costs = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = learning.training_step([moves], 0)
        loss.backward()
        optimizer.step()
        costs.append(loss.item())
    assert costs[-1] < 0.5 * costs[0]


def test_asking_the_base_leaves_the_photos_gradients_as_they_are(
    learning: LoraModule, batch: Batch
) -> None:
    def gradients(batches: list[Batch]) -> dict[str, Tensor]:
        learning.zero_grad()
        learning.training_step(batches, 0).backward()
        weights = learning.transformer.named_parameters()
        return {name: weight.grad.clone() for name, weight in weights if weight.grad is not None}

    alone = gradients([batch])
    beside = gradients([batch, keeping(batch, batch.conditions)._replace(weight=0.0)])
    assert set(alone) == set(beside) != set()
    assert all(torch.equal(alone[name], beside[name]) for name in alone)


def test_noise_is_a_function_of_seed_number_and_place(module: LoraModule, batch: Batch) -> None:
    def noisy(seed: int, number: int) -> list[Tensor]:
        module.seed, module.transformer = seed, Oracle(batch.latents)
        torch.manual_seed(torch.seed() % 2**32)
        module.training_step([batch._replace(number=number)] * 2, 0)
        return [call["hidden_states"] for call in module.transformer.seen]

    first, again, later, other = noisy(3, 7), noisy(3, 7), noisy(3, 8), noisy(4, 7)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[0], later[0])
    assert not torch.equal(first[0], other[0])


def test_a_state_holds_the_adapter_alone(module: LoraModule) -> None:
    module.configure_model()
    checkpoint = {"state_dict": module.state_dict()}
    module.on_save_checkpoint(checkpoint)
    names = list(checkpoint["state_dict"])
    assert len(names) == 40
    assert all(".lora_A." in name or ".lora_B." in name for name in names)


def test_the_base_is_loaded_for_the_device_that_will_train(
    module: LoraModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Trainer:
        class strategy:
            root_device = torch.device("cuda", 0)

    asked = {}

    def load(part: str, **how: Any) -> nn.Module:
        asked.update(how)
        return nn.Linear(2, 2)

    module._trainer = Trainer()
    monkeypatch.setattr(module.family, "load", load)
    monkeypatch.setattr(finetune.module, "add_lora", lambda *_, **__: None)
    module.configure_model()
    assert asked == {"dtype": torch.bfloat16, "device": torch.device("cuda", 0)}


@pytest.mark.parametrize(
    ("warmup", "at", "share"),
    [(10, 0, 0.05), (10, 10, 1.0), (10, 100, 0.1), (0, 0, 1.0), (0, 100, 0.1), (200, 100, 0.525)],
)
def test_the_rate_rises_and_falls(
    module: LoraModule,
    monkeypatch: pytest.MonkeyPatch,
    rates: Callable[[LoraModule], list[float]],
    warmup: int,
    at: int,
    share: float,
) -> None:
    module.warmup = warmup
    assert rates(module)[at] == pytest.approx(share * module.lr, rel=0.06)


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> Callable[[LoraModule], list[float]]:
    """The learning rate at each step of a run of a hundred."""

    class Trainer:
        estimated_stepping_batches = 100
        precision_plugin = None

    def follow(module: LoraModule) -> list[float]:
        module.transformer = nn.Linear(2, 2)
        monkeypatch.setattr(LoraModule, "trainer", Trainer())
        made = module.configure_optimizers()
        optimizer, schedule = made["optimizer"], made["lr_scheduler"]["scheduler"]
        seen = []
        for _ in range(101):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return seen

    return follow


def test_prompts_of_other_lengths_are_learnt_beside_each_other(
    module: LoraModule, batch: Batch
) -> None:
    """As long as each is seen with its own: the oracle knows only as many clips as it is handed."""
    asked = []

    class Counting(Oracle):
        def forward(self, **inputs: Any) -> tuple[Tensor]:
            asked.append(tuple(inputs["encoder_hidden_states"].shape))
            rows = [0, 2] if len(inputs["hidden_states"]) == 2 else [1]
            self.clean = batch.latents[rows]
            return super().forward(**inputs)

    lengths = [5, 7, 5]
    conditions = [{"encoder_hidden_states": torch.zeros(length, 32)} for length in lengths]
    module.transformer = Counting(batch.latents)
    assert module.training_step([batch._replace(conditions=conditions)], 0).item() < 1e-6
    assert asked == [(2, 5, 32), (1, 7, 32)]
