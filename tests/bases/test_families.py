"""Training hands each family's transformer what its own pipeline hands it, and reads it alike."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import (
    CogVideoXDDIMScheduler,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    HunyuanVideoPipeline,
    Kandinsky5T2VPipeline,
    Kandinsky6TI2VAPipeline,
    LTX2Pipeline,
    MiniMaxH3Scheduler,
)
from torch import Tensor

from bases.catalogue import find_base
from bases.cogvideox import CogVideoX
from bases.errors import BrokenBase
from bases.families import family_of
from bases.family import Family
from bases.kandinsky import Kandinsky6
from bases.minimax_h3 import MiniMaxH3
from bases.mochi import Mochi
from tests.conftest import CPU
from tests.latent_forms import answer, begin, handed, levels, taken
from tests.tiny_base import FRAMES, SIZE
from tests.tiny_families import TINY

PROMPT, STEPS = "toto, an object, waving at the beach", 3
PLAIN = {
    HunyuanVideoPipeline: {"negative_prompt": "", "true_cfg_scale": 3.0},
    Kandinsky5T2VPipeline: {"negative_prompt": [""]},
    Kandinsky6TI2VAPipeline: {"negative_prompt": [""]},
    LTX2Pipeline: {
        "stg_scale": 0.0,
        "audio_stg_scale": 0.0,
        "modality_scale": 1.0,
        "audio_modality_scale": 1.0,
    },
}
"""Arguments that leave a pipeline with classifier-free guidance, and nothing beside it."""
DIFFERS = {
    HunyuanVideoPipeline: ({"guidance"}, set()),
    Kandinsky6TI2VAPipeline: (
        set(),
        {"audio_hidden_states", "visual_rope_pos", "visual_token_type_ids"},
    ),
    LTX2Pipeline: (
        {"audio_hidden_states", "audio_num_frames", "isolate_modalities"},
        {
            "fps",
            "video_coords",
            "audio_coords",
            "spatio_temporal_guidance_blocks",
            "perturbation_mask",
            "use_cross_timestep",
        },
    ),
}
"""What training says otherwise, for it has no sound and no guidance, and what it leaves unsaid."""


@pytest.fixture(scope="module", params=TINY)
def family(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Family:
    folder = tmp_path_factory.mktemp("bases") / request.param
    return family_of(find_base(str(TINY[request.param](folder))))


@pytest.fixture(scope="module")
def pipe(family: Family) -> DiffusionPipeline:
    pipe = family.pipeline(dtype=torch.float32, device=CPU)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def noise(family: Family) -> Tensor:
    shape = (1, *family.grid.latent_shape(SIZE, SIZE, FRAMES))
    return torch.randn(shape, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def seen(pipe: DiffusionPipeline, family: Family) -> list[dict[str, dict[str, Any]]]:
    """What the pipeline hands its transformer at every step, by the prompt."""
    if isinstance(family, MiniMaxH3):
        pytest.skip("test_minimax_h3.py looks at its one packed sequence")
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
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
        **family.call_arguments(pipe, 3.0),
        **PLAIN.get(type(pipe), {}),
    )
    for hook in hooks:
        hook.remove()
    if len(calls) == STEPS:  # both prompts at once
        return [{"": _row(call, 0), PROMPT: _row(call, 1)} for call in calls]
    return [{PROMPT: calls[2 * step], "": calls[2 * step + 1]} for step in range(STEPS)]


def _row(arguments: dict[str, Any], row: int) -> dict[str, Any]:
    return {
        name: value[row : row + 1] if isinstance(value, Tensor) else value
        for name, value in arguments.items()
    }


@pytest.mark.parametrize("step", range(STEPS))
@pytest.mark.parametrize("prompt", [PROMPT, ""])
def test_training_builds_the_tensors_that_the_pipeline_builds(
    family: Family,
    pipe: DiffusionPipeline,
    noise: Tensor,
    seen: list[dict[str, dict[str, Any]]],
    step: int,
    prompt: str,
) -> None:
    theirs = seen[step][prompt]
    text = family.load("text", dtype=torch.float32, device=CPU)
    sigmas = levels(pipe.scheduler)[step : step + 1]
    noisy = taken(family, theirs["hidden_states"], noise, sigmas)
    ours = family.transformer_inputs(noisy, sigmas, family.encode_prompt(text, prompt))
    own, unsaid = DIFFERS.get(type(pipe), (set(), set()))
    assert own <= set(ours) <= set(theirs)
    assert set(theirs) - set(ours) - {"attention_kwargs", "return_dict"} == unsaid
    for name in set(ours) - own:
        if name in ("timestep", "sigma"):
            # A scheduler may cut its timesteps to whole numbers; training keeps the fraction.
            assert ours[name].shape == theirs[name].shape
            off = ours[name] - theirs[name]
            assert off.min() > -0.01
            assert off.max() < 1
        elif name == "hidden_states" and isinstance(family, CogVideoX):
            torch.testing.assert_close(ours[name], theirs[name])  # scaled there and back
        elif isinstance(ours[name], Tensor):
            assert torch.equal(ours[name], theirs[name]), name
        elif name in ("image_rotary_emb", "visual_rope_pos") and ours[name] is not None:
            assert all(map(torch.equal, ours[name], theirs[name])), name
        else:
            assert ours[name] == theirs[name], name


@pytest.mark.parametrize("sigma", [0.0008, 0.5, 0.9992])
def test_a_noise_level_is_told_as_finely_in_bfloat16(
    family: Family, noise: Tensor, sigma: float
) -> None:
    if family.pictures:
        pytest.skip("it draws nothing without a picture; as minimax-h3 otherwise")
    text = family.load("text", dtype=torch.float32, device=CPU)
    conditions, sigmas = family.encode_prompt(text, PROMPT), torch.tensor([sigma])
    exact, told = (
        family.transformer_inputs(noise.to(dtype), sigmas, conditions)["timestep"].float()
        for dtype in (torch.float32, torch.bfloat16)
    )
    torch.testing.assert_close(told, exact, rtol=2**-8, atol=0)


def test_the_transformer_answers_to_training_as_to_the_pipeline(
    family: Family, pipe: DiffusionPipeline, noise: Tensor, seen: list[dict[str, dict[str, Any]]]
) -> None:
    """What the pipeline says beyond training's arguments changes nothing."""
    theirs = seen[0][PROMPT]
    text = family.load("text", dtype=torch.float32, device=CPU)
    sigmas = levels(pipe.scheduler)[:1]
    noisy = taken(family, theirs["hidden_states"], noise, sigmas)
    conditions = family.encode_prompt(text, PROMPT)
    ours = family.transformer_inputs(noisy, sigmas, conditions)
    own, _ = DIFFERS.get(type(pipe), (set(), set()))
    theirs = {**theirs, **{name: ours[name] for name in own | {"timestep"}}}
    theirs |= {name: None for name in ("audio_coords",) if name in theirs}
    transformer = getattr(pipe, family.experts[0].part)
    with torch.no_grad():
        answers = [
            family.prediction(transformer(**{**said, "return_dict": False}), noisy, sigmas)
            for said in (ours, theirs)
        ]
    torch.testing.assert_close(*answers)


def test_one_euler_step_is_the_schedulers(family: Family, noise: Tensor) -> None:
    if isinstance(family, CogVideoX):
        scheduler = CogVideoXDDIMScheduler(prediction_type="v_prediction", clip_sample=False)
    elif isinstance(family, MiniMaxH3):
        scheduler = MiniMaxH3Scheduler(shift=3.0)
    else:
        scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0, invert_sigmas=type(family) is Mochi)
    step(family, begin(scheduler, 5), noise)


def test_one_euler_step_is_the_first_order_step_of_the_bases_own_scheduler(
    family: Family, pipe: DiffusionPipeline, noise: Tensor
) -> None:
    step(family, begin(deepcopy(pipe.scheduler), 5), noise)


def step(family: Family, scheduler: Any, noisy: Tensor) -> None:
    """Compare the scheduler's first step with ours, for the same output of the transformer."""
    wanted = torch.randn(noisy.shape, generator=torch.Generator().manual_seed(4))
    now, after = levels(scheduler)[:1], levels(scheduler)[1:2]
    output, latents = answer(family, wanted, noisy, now), handed(family, noisy, now)
    theirs = scheduler.step(output, scheduler.timesteps[0], latents, return_dict=False)[0]
    ours = noisy + (after - now) * wanted
    torch.testing.assert_close(taken(family, theirs, noisy, after), ours, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ours, noisy, atol=1e-2)


def test_a_perfect_prediction_leads_from_noise_to_the_clip(
    family: Family, pipe: DiffusionPipeline, noise: Tensor
) -> None:
    clean = torch.randn(noise.shape, generator=torch.Generator().manual_seed(5))
    scheduler = begin(deepcopy(pipe.scheduler), 5)
    objective, sigmas = family.objective, levels(scheduler)
    latents = handed(family, objective.noisy(clean, noise, sigmas[:1]), sigmas[:1])
    for index, timestep in enumerate(scheduler.timesteps):
        now = sigmas[index : index + 1]
        noisy = taken(family, latents, noise, now)
        output = answer(family, objective.target(clean, noise), noisy, now)
        latents = scheduler.step(output, timestep, latents, return_dict=False)[0]
    end = taken(family, latents, noise, sigmas[-1:])
    torch.testing.assert_close(end, clean, rtol=1e-3, atol=1e-3)


def test_encoded_clips_come_back_through_the_pipelines_own_decoding(
    family: Family, pipe: DiffusionPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(family, MiniMaxH3):
        pytest.skip("test_minimax_h3.py does so, for its clips are longer")
    shape = (1, 3, FRAMES, SIZE, SIZE)
    video = torch.rand(shape, generator=torch.Generator().manual_seed(6)) * 2 - 1
    latents = family.encode_video(pipe.vae, video)

    def stand_still(hidden_states: Tensor, **rest: Any) -> Any:
        step = int((pipe.scheduler.timesteps == rest["timestep"].flatten()[0]).nonzero())
        sigma = levels(pipe.scheduler)[step : step + 1]
        noisy = taken(family, hidden_states, latents, sigma)
        still = answer(family, torch.zeros_like(noisy), noisy, sigma)
        if rest["return_dict"]:
            return SimpleNamespace(sample=still)
        sound = rest.get("audio_hidden_states")
        return still, None if sound is None else torch.zeros_like(sound)

    for expert in family.experts:
        monkeypatch.setattr(getattr(pipe, expert.part), "forward", stand_still)
    own = isinstance(family, Kandinsky6)  # it takes them as we have them, and has them otherwise
    given = latents if own else handed(family, latents, torch.ones(1))
    theirs = pipe(
        PROMPT,
        height=SIZE,
        width=SIZE,
        num_frames=FRAMES,
        num_inference_steps=2,
        latents=given,
        output_type="pt",
        **family.call_arguments(pipe, 1.0),
    ).frames[0]
    with torch.no_grad():
        plain = pipe.vae.decode(pipe.vae.encode(video).latent_dist.mode()).sample[0]
    ours = (plain.transpose(0, 1) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(theirs, ours, rtol=1e-3, atol=1e-4)
    assert ours.std() > 1e-3


def test_a_photo_is_one_latent_frame(family: Family, pipe: DiffusionPipeline) -> None:
    latents = family.encode_video(pipe.vae, torch.zeros(2, 3, 1, SIZE, SIZE))
    assert latents.shape == (2, *family.grid.latent_shape(SIZE, SIZE, 1))


def test_the_grid_says_what_the_vae_does(family: Family, pipe: DiffusionPipeline) -> None:
    latents = family.encode_video(pipe.vae, torch.zeros(1, 3, FRAMES, SIZE, 2 * SIZE))
    assert latents.shape[1:] == family.grid.latent_shape(SIZE, 2 * SIZE, FRAMES)
    assert SIZE % family.grid.multiple == 0


def test_the_lora_targets_are_attention_and_feed_forward_of_every_block(family: Family) -> None:
    transformer = family.load(family.part, dtype=torch.float32, device=CPU)
    linear = [
        name for name, part in transformer.named_modules() if isinstance(part, torch.nn.Linear)
    ]
    chosen = {name for name in linear if re.fullmatch(family.lora_targets, name)}
    assert len({re.search(r"blocks\.(\d+)", name)[1] for name in chosen}) == 2
    blocks = {name for name in linear if re.match(r"((visual_)?transformer_)?blocks\.", name)}
    other = re.compile("norm|adaln|audio|gate|modulation|va_|av_")
    assert chosen == {name for name in blocks if not other.search(name)}


def test_a_family_takes_negative_prompts_where_its_pipeline_is_led_away_from_them(
    family: Family, pipe: DiffusionPipeline
) -> None:
    if not family.takes_guidance:
        assert not family.takes_negative
        return

    def drawn(**more: str) -> Any:
        return family.draw(
            pipe,
            guidance=3.0,
            prompt=PROMPT,
            height=SIZE,
            width=SIZE,
            num_frames=FRAMES,
            num_inference_steps=2,
            generator=torch.Generator().manual_seed(0),
            output_type="latent",
            **more,
        )

    leads_away = not torch.equal(drawn(), drawn(negative_prompt="wet and blurred"))
    assert leads_away == family.takes_negative


def test_what_is_loaded_is_frozen(family: Family) -> None:
    for part in ("vae", family.part):
        model = family.load(part, dtype=torch.float32, device=CPU)
        assert not any(weight.requires_grad for weight in model.parameters())
        assert not model.training


def test_each_expert_is_trained_on_the_noise_that_the_pipeline_asks_it_about(
    family: Family, pipe: DiffusionPipeline
) -> None:
    if isinstance(family, MiniMaxH3):
        pytest.skip("its one transformer is asked about all noise, for a long time")
    asked: list[str] = []
    hooks = [
        getattr(pipe, expert.part).register_forward_pre_hook(
            lambda *_, name=expert.name: asked.append(name) and None
        )
        for expert in family.experts
    ]
    arguments = {"height": SIZE, "width": SIZE, "num_frames": FRAMES}
    arguments |= family.call_arguments(pipe, 1.0) | PLAIN.get(type(pipe), {})
    arguments |= {name: 1.0 for name in ("true_cfg_scale",) if name in arguments}
    pipe(PROMPT, **arguments, num_inference_steps=12, output_type="latent")
    for hook in hooks:
        hook.remove()
    generator = torch.Generator().manual_seed(0)
    for expert in family.experts:
        met = levels(pipe.scheduler)[: len(asked)][[name == expert.name for name in asked]]
        assert len(met) > 1
        trained = family.objective.sample_sigmas(500, generator, low=expert.low, high=expert.high)
        assert trained.min() >= expert.low
        assert trained.max() <= expert.high
        assert met.min() >= expert.low - 1e-3
        assert met.max() <= expert.high + 1e-3
    assert len(set(asked)) == len(family.experts)


def test_a_folder_that_says_no_pipeline_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}")
    with pytest.raises(BrokenBase, match="does not say what pipeline it is made for: give one"):
        family_of(find_base(str(tmp_path)))
    (tmp_path / "model_index.json").write_text('{"_class_name": "OtherPipeline"}')
    with pytest.raises(BrokenBase, match="is made for 'OtherPipeline': give one"):
        family_of(find_base(str(tmp_path)))
