"""Training hands the transformer what Wan's own pipeline hands it, and reads its answer alike."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, WanPipeline
from torch import Tensor

from bases.errors import BrokenBase
from bases.wan import TIMESTEPS, Wan
from tests.conftest import CPU
from tests.tiny_base import CHANNELS, FRAMES, SIZE, write_tiny_base

PROMPT, STEPS = "toto, an object, waving at the beach", 3


@pytest.fixture(scope="module", params=["2.1", "2.2-5b", "2.2-a14b"])
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Wan:
    folder = tmp_path_factory.mktemp("bases") / request.param
    return Wan(write_tiny_base(folder, like=request.param))


@pytest.fixture(scope="module")
def pipe(family: Wan) -> WanPipeline:
    pipe = family.pipeline(dtype=torch.float32, device=CPU)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def noise() -> Tensor:
    shape = (1, CHANNELS, (FRAMES - 1) // 4 + 1, SIZE // 8, SIZE // 8)
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def seen(pipe: WanPipeline, family: Wan, noise: Tensor) -> list[dict[str, Any]]:
    """What the pipeline hands its transformer: with the prompt and without it, at every step."""
    calls: list[dict[str, Any]] = []

    def keep(module: torch.nn.Module, args: tuple[Any, ...], arguments: dict[str, Any]) -> None:
        assert not args
        calls.append(arguments)

    hooks = [
        getattr(pipe, expert.part).register_forward_pre_hook(keep, with_kwargs=True)
        for expert in family.experts
    ]
    pipe(
        PROMPT,
        height=SIZE,
        width=SIZE,
        num_frames=FRAMES,
        num_inference_steps=STEPS,
        guidance_scale=3.0,
        latents=noise,
        output_type="latent",
        **family.call_arguments(pipe),
    )
    for hook in hooks:
        hook.remove()
    return calls


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize(("prompt", "offset"), [(PROMPT, 0), ("", 1)])
def test_training_builds_the_tensors_that_the_pipeline_builds(
    family: Wan, pipe: WanPipeline, seen: list[dict[str, Any]], step: int, prompt: str, offset: int
) -> None:
    theirs = seen[2 * step + offset]
    text = family.load("text", dtype=torch.float32, device=CPU)
    sigmas = pipe.scheduler.sigmas[step : step + 1]
    ours = family.transformer_inputs(
        theirs["hidden_states"], sigmas, family.encode_prompts(text, [prompt])
    )
    rest = set(theirs) - set(ours)
    assert rest == {"attention_kwargs", "return_dict"}
    assert theirs["attention_kwargs"] is None
    assert torch.equal(ours["hidden_states"], theirs["hidden_states"])
    assert torch.equal(ours["encoder_hidden_states"], theirs["encoder_hidden_states"])
    # The scheduler cuts its timesteps to whole numbers; training keeps the fraction.
    assert ours["timestep"].shape == theirs["timestep"].shape
    off = ours["timestep"] - theirs["timestep"]
    assert off.min() >= 0
    assert off.max() < 1


def test_the_pipeline_begins_with_the_latents_as_they_were_given(
    seen: list[dict[str, Any]], noise: Tensor
) -> None:
    assert torch.equal(seen[0]["hidden_states"], noise)


def test_a_batch_of_prompts_is_embedded_as_each_prompt_alone(family: Wan) -> None:
    text = family.load("text", dtype=torch.float32, device=CPU)
    prompts = [PROMPT, "", "a person jumping " * 40]
    together = family.encode_prompts(text, prompts)["encoder_hidden_states"]
    assert together.shape == (3, text.max_tokens, 32)
    for row, prompt in zip(together, prompts, strict=True):
        alone = family.encode_prompts(text, [prompt])["encoder_hidden_states"][0]
        torch.testing.assert_close(row, alone)


def test_a_prompt_is_followed_by_zeros(family: Wan) -> None:
    text = family.load("text", dtype=torch.float32, device=CPU)
    length = len(text.tokenizer(PROMPT).input_ids)
    hidden = family.encode_prompts(text, [PROMPT])["encoder_hidden_states"][0]
    assert hidden[:length].abs().sum(-1).min() > 0
    assert not hidden[length:].any()


def test_one_euler_step_is_the_schedulers(family: Wan, noise: Tensor) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(5)
    step(family, scheduler, noise)


def test_one_euler_step_is_the_first_order_step_of_the_bases_own_scheduler(
    family: Wan, noise: Tensor
) -> None:
    scheduler = family.load("scheduler", dtype=torch.float32, device=CPU)
    scheduler.set_timesteps(5)
    step(family, scheduler, noise)


def step(family: Wan, scheduler: Any, noisy: Tensor) -> None:
    """Compare the scheduler's first step with ours, for the same output of the transformer."""
    output = torch.randn(noisy.shape, generator=torch.Generator().manual_seed(4))
    theirs = scheduler.step(output, scheduler.timesteps[0], noisy, return_dict=False)[0]
    now, after = scheduler.sigmas[:2]
    ours = noisy + (after - now) * family.prediction((output,), noisy)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ours, noisy, atol=1e-2)


def test_a_perfect_prediction_leads_from_noise_to_the_clip(family: Wan, noise: Tensor) -> None:
    clean = torch.randn(noise.shape, generator=torch.Generator().manual_seed(5))
    scheduler = family.load("scheduler", dtype=torch.float32, device=CPU)
    scheduler.set_timesteps(5)
    objective = family.objective
    latents = objective.noisy(clean, noise, scheduler.sigmas[:1])
    for timestep in scheduler.timesteps:
        output = objective.target(clean, noise)
        latents = scheduler.step(output, timestep, latents, return_dict=False)[0]
    torch.testing.assert_close(latents, clean, rtol=1e-3, atol=1e-3)


def test_encoded_clips_come_back_through_the_pipelines_own_decoding(
    family: Wan, pipe: WanPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = (1, 3, FRAMES, SIZE, SIZE)
    video = torch.rand(shape, generator=torch.Generator().manual_seed(6)) * 2 - 1
    latents = family.encode_video(pipe.vae, video)

    def stand_still(hidden_states: Tensor, **_: Any) -> tuple[Tensor]:
        return (torch.zeros_like(hidden_states),)

    for expert in family.experts:
        monkeypatch.setattr(getattr(pipe, expert.part), "forward", stand_still)
    theirs = pipe(
        PROMPT,
        height=SIZE,
        width=SIZE,
        num_frames=FRAMES,
        num_inference_steps=2,
        guidance_scale=1.0,
        latents=latents,
        output_type="pt",
    ).frames[0]
    with torch.no_grad():
        plain = pipe.vae.decode(pipe.vae.encode(video).latent_dist.mode()).sample[0]
    ours = (plain.transpose(0, 1) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-4)
    assert ours.std() > 1e-3


def test_a_photo_is_one_latent_frame(family: Wan, pipe: WanPipeline) -> None:
    latents = family.encode_video(pipe.vae, torch.zeros(2, 3, 1, SIZE, SIZE))
    assert latents.shape == (2, *family.grid.latent_shape(SIZE, SIZE, 1))


def test_the_grid_says_what_the_vae_does(family: Wan, pipe: WanPipeline) -> None:
    latents = family.encode_video(pipe.vae, torch.zeros(1, 3, FRAMES, SIZE, 2 * SIZE))
    assert latents.shape[1:] == family.grid.latent_shape(SIZE, 2 * SIZE, FRAMES)
    assert family.grid.multiple == 16


@pytest.mark.parametrize(("wanted", "legal"), [(0, 1), (1, 1), (4, 1), (5, 5), (16, 13), (81, 81)])
def test_frames_are_cut_to_a_legal_number(family: Wan, wanted: int, legal: int) -> None:
    assert family.grid.frames(wanted) == legal


def test_the_lora_targets_are_attention_and_feed_forward_of_every_block(family: Wan) -> None:
    transformer = family.load("transformer", dtype=torch.float32, device=CPU)
    linear = [
        name for name, part in transformer.named_modules() if isinstance(part, torch.nn.Linear)
    ]
    chosen = [name for name in linear if re.fullmatch(family.lora_targets, name)]
    assert len(chosen) == 2 * 10
    assert set(linear) - set(chosen) == {name for name in linear if "blocks." not in name}


def test_what_is_loaded_is_frozen(family: Wan) -> None:
    for part in ("vae", "transformer"):
        model = family.load(part, dtype=torch.float32, device=CPU)
        assert not any(weight.requires_grad for weight in model.parameters())
        assert not model.training


def test_each_expert_is_trained_on_the_noise_that_the_pipeline_asks_it_about(
    family: Wan, pipe: WanPipeline, noise: Tensor
) -> None:
    asked: list[str] = []
    hooks = [
        getattr(pipe, expert.part).register_forward_pre_hook(
            lambda *_, name=expert.name: asked.append(name) and None
        )
        for expert in family.experts
    ]
    arguments = {"height": SIZE, "width": SIZE, "num_frames": FRAMES, "latents": noise}
    pipe(PROMPT, **arguments, num_inference_steps=12, guidance_scale=1.0, output_type="latent")
    for hook in hooks:
        hook.remove()
    generator = torch.Generator().manual_seed(0)
    for expert in family.experts:
        levels = pipe.scheduler.sigmas[: len(asked)][[name == expert.name for name in asked]]
        assert len(levels) > 1
        trained = family.objective.sample_sigmas(500, generator, low=expert.low, high=expert.high)
        assert trained.min() >= expert.low
        assert trained.max() <= expert.high
        assert levels.min() >= expert.low - 1e-3
        assert levels.max() <= expert.high + 1e-3
    assert len(set(asked)) == len(family.experts)


def test_noise_is_counted_in_thousandths() -> None:
    assert TIMESTEPS == 1000


def _remove(name: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return act


def _cut(name: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:1000])

    return act


def _write(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def _of_another_family(folder: Path) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "_class_name": "LTXPipeline"}))


WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_remove("model_index.json"), "model_index.json"),
        (_remove("tokenizer"), "tokenizer"),
        (_remove("vae"), "vae"),
        (_remove("scheduler"), "scheduler"),
        (_remove("transformer/config.json"), "transformer/config.json"),
        (_remove("text_encoder/model.safetensors"), "text_encoder/"),
        (_remove(f"vae/{WEIGHTS}"), "vae/"),
        (_remove("tokenizer/tokenizer.json"), "tokenizer/tokenizer.json"),
        (_remove("scheduler/scheduler_config.json"), "scheduler/scheduler_config.json"),
        (_cut(f"transformer/{WEIGHTS}"), f"transformer/{WEIGHTS}"),
        (_of_another_family, "LTXPipeline"),
        (_write("model_index.json", "{bad"), "cannot be loaded"),
        (_write("model_index.json", "[]"), "[]"),
        (_write("transformer/config.json", "{bad"), "cannot be loaded"),
    ],
)
def test_a_broken_base_says_which_part(
    tiny_folder: Path, tmp_path: Path, damage: Callable[[Path], None], named: str
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny_folder, folder)
    damage(folder)
    with pytest.raises(BrokenBase, match=re.escape(named)):
        Wan(folder).pipeline(dtype=torch.float32, device=CPU)
    with pytest.raises(BrokenBase, match=re.escape(named)):
        _ = Wan(folder).grid


@pytest.mark.parametrize(
    "damage",
    [
        _write("tokenizer/tokenizer.json", "{bad"),
        _write("scheduler/scheduler_config.json", "{bad"),
        lambda folder: _reconfigure(folder / "text_encoder", d_model=7),
        lambda folder: _reconfigure(folder / "transformer", num_layers=9),
    ],
)
def test_parts_that_do_not_fit_each_other_end_in_one_line(
    tiny_folder: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny_folder, folder)
    damage(folder)
    with pytest.raises(BrokenBase, match="copy or download it again") as refused:
        Wan(folder).pipeline(dtype=torch.float32, device=CPU)
    assert "\n" not in str(refused.value)


def test_a_base_that_is_not_on_this_machine_says_so() -> None:
    with pytest.raises(BrokenBase, match="if it is not on this machine yet, connect"):
        Wan("nobody/nothing").load("vae", dtype=torch.float32, device=CPU)


def _reconfigure(folder: Path, **changes: int) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_lost_shard_is_named(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sharded"
    shutil.copytree(tiny_folder, folder)
    index = {"weight_map": {"a": WEIGHTS, "b": "shard-2.safetensors"}}
    (folder / "transformer" / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    with pytest.raises(BrokenBase, match=r"transformer/shard-2\.safetensors"):
        Wan(folder).load("transformer", dtype=torch.float32, device=CPU)
