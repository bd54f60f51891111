"""MiniMax-H3 is trained on the sequence that its own pipeline packs, without the sound."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bases.minimax_h3 import MiniMaxH3, patchify_video_latents, unpatchified
from tests.conftest import CPU
from tests.tiny_base import SIZE
from tests.tiny_minimax_h3 import FRAMES, check_rows, tiny_minimax_h3

PROMPT, STEPS, PATCH = "toto, an object, waving", 3, (1, 2, 2)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> MiniMaxH3:
    return tiny_minimax_h3(tmp_path_factory.mktemp("bases") / "h3")


@pytest.fixture(scope="module")
def pipe(family: MiniMaxH3) -> Any:
    pipe = family.pipeline(dtype=torch.float32, device=CPU)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw(family: MiniMaxH3, pipe: Any, **more: Any) -> Any:
    arguments = {
        "guidance": 1.0,
        "prompt": PROMPT,
        "height": SIZE,
        "width": SIZE,
        "num_frames": FRAMES,
        "num_inference_steps": STEPS,
        "generator": torch.Generator().manual_seed(3),
    }
    return family.draw(pipe, **(arguments | more))


@pytest.fixture(scope="module")
def seen(family: MiniMaxH3, pipe: Any) -> list[dict[str, Any]]:
    """What the pipeline hands its transformer at every step; the last is drawn from nothing."""
    calls: list[dict[str, Any]] = []

    def keep(module: torch.nn.Module, args: tuple[Any, ...], arguments: dict[str, Any]) -> None:
        calls.append({name: copied(value) for name, value in arguments.items()})

    hook = pipe.transformer.register_forward_pre_hook(keep, with_kwargs=True)
    draw(family, pipe, output_type="latent")
    hook.remove()
    return calls


def copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


@pytest.mark.parametrize("step", range(STEPS - 1))
def test_training_packs_what_the_pipeline_packs(
    family: MiniMaxH3, pipe: Any, seen: list[dict[str, Any]], step: int
) -> None:
    theirs, sigma = seen[step], pipe.scheduler.sigmas[step : step + 1]
    like = torch.zeros(1, *family.grid.latent_shape(SIZE, SIZE, FRAMES))
    noisy = unpatchified(theirs["hidden_states"], like, PATCH)
    text = family.load("text", dtype=torch.float32, device=CPU)
    ours = family.transformer_inputs(noisy, sigma, family.encode_prompt(text, PROMPT))
    for name in ("hidden_states", "encoder_hidden_states", "text_indices"):
        assert torch.equal(ours[name], theirs[name]), name
    assert set(theirs) - set(ours) == {"attention_kwargs", "return_dict"}
    check_rows(ours, theirs)
    assert not len(ours["audio_indices"])
    assert len(ours["position_ids"]) == len(theirs["position_ids"]) - len(theirs["audio_indices"])


def test_encoded_clips_come_back_through_the_pipelines_own_decoding(
    family: MiniMaxH3, pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = torch.rand((1, 3, FRAMES, SIZE, SIZE), generator=torch.Generator().manual_seed(6))
    latents = family.encode_video(pipe.vae, video * 2 - 1)

    def stand_still(
        hidden_states: Tensor, audio_hidden_states: Tensor, **_: Any
    ) -> tuple[Tensor, ...]:
        return torch.zeros_like(hidden_states), torch.zeros_like(audio_hidden_states)

    monkeypatch.setattr(pipe.transformer, "forward", stand_still)
    theirs = torch.from_numpy(draw(family, pipe, latents=latents, output_type="np")[0])
    kept = draw(family, pipe, latents=latents, output_type="latent")
    torch.testing.assert_close(family.drawn_latents(pipe, kept), latents)
    mean, std = (
        torch.tensor(numbers).view(1, 3, 1, 1, 1) for numbers in (pipe.pixel_mean, pipe.pixel_std)
    )
    with torch.no_grad():
        posterior = pipe.vae.encode((video - mean) / std).latent_dist
        plain = pipe.vae.decode(posterior.mode()).sample * std + mean
    torch.testing.assert_close(
        theirs, plain[0].permute(1, 2, 3, 0).clamp(0, 1), rtol=1e-3, atol=1e-4
    )


def test_rows_and_clips_are_two_forms_of_one() -> None:
    clip = torch.arange(2 * 3 * 2 * 4 * 6.0).view(2, 3, 2, 4, 6)
    rows = patchify_video_latents(clip, PATCH).view(2, -1, 12)
    assert torch.equal(unpatchified(rows, clip, PATCH), clip)


@pytest.mark.parametrize(
    ("wanted", "legal"), [(1, 1), (4, 1), (5, 5), (21, 5), (22, 22), (124, 124), (140, 124)]
)
def test_frames_are_one_or_five_beyond_a_multiple_of_seventeen(
    family: MiniMaxH3, wanted: int, legal: int
) -> None:
    assert family.grid.frames(wanted) == legal


@pytest.mark.parametrize("wanted", ["shortest", "longest"])
def test_what_may_be_drawn_is_as_long_as_the_pipeline_allows(
    family: MiniMaxH3, pipe: Any, wanted: str
) -> None:
    seconds = family.grid.frames(getattr(family.grid, wanted)) / pipe.fps
    assert pipe.min_duration <= seconds <= pipe.max_duration


def test_an_empty_prompt_is_a_space(family: MiniMaxH3) -> None:
    text = family.load("text", dtype=torch.float32, device=CPU)
    empty, space = (family.encode_prompt(text, prompt) for prompt in ("", " "))
    assert torch.equal(empty["encoder_hidden_states"], space["encoder_hidden_states"])
