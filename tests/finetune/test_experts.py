"""A base with two experts: one command trains both, each on its own noise, into its own file."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from diffusers import WanPipeline
from safetensors.torch import load_file

from bases.catalogue import Base, find_base
from finetune.adapter import Adapter
from finetune.callbacks import Progress
from finetune.errors import TrainingError, TrainingStopped
from finetune.module import LoraModule
from finetune.train import train
from inference.clip import Clip
from inference.render import Renderer
from subjects import Subject
from tests.conftest import CPU
from tests.tiny_base import BOUNDARY, write_tiny_base

PROMPT = "toto, an object, waving"
FILES = {
    "transformer": "adapter_high_noise.safetensors",
    "transformer_2": "adapter_low_noise.safetensors",
}
OWN = '--experts={"high_noise": {"model.lr": 3e-3, "trainer.max_steps": 2}}'


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return find_base(
        str(write_tiny_base(tmp_path_factory.mktemp("bases") / "two", like="2.2-a14b"))
    )


@pytest.fixture
def arguments(home: Path, two: Base, command: Callable[..., list[str]]) -> Callable[..., list[str]]:
    def more(*settings: str) -> list[str]:
        return [*command(home, "--data.clips=0", *settings), f"--data.base={two.source}"]

    return more


@pytest.fixture
def adapter(arguments: Callable[..., list[str]]) -> Adapter:
    return train(arguments(OWN))


def test_each_expert_has_its_file_and_its_own_settings(adapter: Adapter) -> None:
    assert {part: path.name for part, path in adapter.files.items()} == FILES
    high, low = adapter.run["experts"]
    assert (high["name"], high["steps"], high["config"]["model"]["lr"]) == ("high_noise", 2, 3e-3)
    assert (low["name"], low["steps"], low["config"]["model"]["lr"]) == ("low_noise", 4, 1e-2)
    for path in adapter.files.values():
        ups = [weight for name, weight in load_file(path).items() if ".lora_B." in name]
        assert all(weight.abs().max() > 0 for weight in ups)


def test_each_expert_is_asked_about_its_own_noise_alone(
    arguments: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[float]] = {"high_noise": [], "low_noise": []}
    known = LoraModule.training_step

    def keep(self: LoraModule, batches: Any, index: int) -> Any:
        hook = self.transformer.register_forward_pre_hook(
            lambda *call: seen[self.expert.name].extend((call[2]["timestep"] / 1000).tolist()),
            with_kwargs=True,
        )
        loss = known(self, batches, index)
        hook.remove()
        return loss

    monkeypatch.setattr(LoraModule, "training_step", keep)
    train(arguments())
    assert min(seen["high_noise"]) >= BOUNDARY > max(seen["low_noise"])


def test_plain_diffusers_renders_what_ours_renders(adapter: Adapter, two: Base) -> None:
    renderer = Renderer(two, device=CPU, progress=False)
    clip = Clip(steps=6, seed=5)
    plain = renderer.render(PROMPT, clip)
    with renderer.adapter(adapter):
        ours = renderer.render(PROMPT, clip)
    assert np.array_equal(renderer.render(PROMPT, clip), plain)
    assert not np.array_equal(ours, plain)
    pipe = WanPipeline.from_pretrained(two.source, dtype=torch.float32)
    for part, file in FILES.items():
        pipe.load_lora_weights(
            adapter.folder, weight_name=file, load_into_transformer_2=part == "transformer_2"
        )
    theirs = pipe(
        PROMPT,
        height=two.height,
        width=two.width,
        num_frames=two.frames,
        num_inference_steps=6,
        guidance_scale=two.guidance,
        generator=torch.Generator().manual_seed(5),
        max_sequence_length=min(pipe.tokenizer.model_max_length, 512),
        output_type="np",
    ).frames[0]
    assert np.abs(np.round(theirs * 255) - ours).max() <= 1


def test_the_card_says_how_to_load_both(adapter: Adapter) -> None:
    card = (adapter.folder / "README.md").read_text()
    for part, file in FILES.items():
        assert f'pipe.{part}.load_lora_adapter(FOLDER, weight_name="{file}")' in card


def test_a_run_killed_in_the_second_expert_does_not_train_the_first_again(
    home: Path,
    tmp_path: Path,
    two: Base,
    arguments: Callable[..., list[str]],
    add_to: Callable[..., Subject],
    command: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[str] = []

    class Killed(Exception):
        pass

    def note(self: Progress, trainer: pl.Trainer, module: LoraModule) -> None:
        started.append(module.expert.name)

    def die(self: Progress, trainer: pl.Trainer, module: LoraModule, *_: Any) -> None:
        if module.expert.name == "low_noise" and trainer.global_step == 3:
            raise Killed

    often = "--output.save_every=2"
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_train_start", note)
        patched.setattr(Progress, "on_step_end", die)
        with pytest.raises(Killed):
            train(arguments(often))
    assert not (home / "adapters").exists()
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_train_start", note)
        patched.setattr(Progress, "on_step_end", lambda *_: None)
        resumed = train(arguments(often))
    assert started == ["high_noise", "low_noise", "low_noise"]
    add_to(tmp_path / "undisturbed")
    whole = [
        *command(tmp_path / "undisturbed", "--data.clips=0", often),
        f"--data.base={two.source}",
    ]
    undisturbed = train(whole)
    for file in FILES.values():
        assert (resumed.folder / file).read_bytes() == (undisturbed.folder / file).read_bytes()


def test_a_stop_in_the_last_step_of_the_first_expert_comes_before_the_second(
    arguments: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(self: Progress, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == trainer.max_steps:
            os.kill(os.getpid(), signal.SIGINT)

    started: list[str] = []
    monkeypatch.setattr(Progress, "on_train_start", lambda _, __, m: started.append(m.expert.name))
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_step_end", interrupt)
        with pytest.raises(TrainingStopped, match="Stopped after the expert 'high_noise'"):
            train(arguments())
    monkeypatch.setattr(Progress, "on_step_end", lambda *_: None)
    assert set(train(arguments()).files) == {"transformer", "transformer_2"}
    assert started == ["high_noise", "low_noise"]


def test_what_was_set_otherwise_for_one_expert_is_named(
    arguments: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: Progress, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == 2:
            raise RuntimeError("killed")

    first = '--experts={"high_noise": {"model.lr": 1e-3}, "low_noise": {"model.lr": 2e-3}}'
    other = '--experts={"high_noise": {"model.lr": 4e-3}, "low_noise": {"model.lr": 2e-3}}'
    with monkeypatch.context() as patched:
        patched.setattr(Progress, "on_step_end", die)
        with pytest.raises(RuntimeError, match="killed"):
            train(arguments(first, "--output.save_every=1"))
    with pytest.raises(TrainingError, match=r"under other settings: model\.lr was 0\.001\. Give"):
        train(arguments(other, "--output.save_every=1"))


def test_one_expert_alone_can_be_trained(arguments: Callable[..., list[str]], two: Base) -> None:
    adapter = train(arguments("--model.expert=low_noise"))
    assert list(adapter.files) == ["transformer_2"]
    with Renderer(two, device=CPU, progress=False).adapter(adapter):
        pass


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        (
            "--model.expert=middle",
            "expert 'middle' is not one of the base's: low_noise, high_noise",
        ),
        ('--experts={"middle": {"model.lr": 1}}', "experts.middle is none of the base's"),
        ('--experts={"low_noise": {"model.rate": 1}}', "A setting does not fit"),
        ('--experts={"high_noise": {"output.save_every": 0}}', "save_every=0"),
    ],
)
def test_what_does_not_fit_an_expert_is_refused(
    arguments: Callable[..., list[str]], setting: str, named: str
) -> None:
    with pytest.raises(TrainingError, match=named):
        train(arguments(setting))
