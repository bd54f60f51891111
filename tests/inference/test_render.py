"""Rendering is the base's own pipeline; an adapter goes in and comes out again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import WanPipeline
from safetensors.torch import load_file, save_file

from bases.catalogue import Base
from bases.video import Frames
from finetune.adapter import WEIGHTS, Adapter
from finetune.errors import BrokenAdapter, WrongBase
from inference.clip import Clip, settings_of
from inference.errors import RenderError
from inference.render import Renderer
from tests.conftest import CPU
from tests.tiny_base import FRAMES, SIZE, STEPS, write_tiny_base

PROMPT = "toto, an object, at the beach"


@pytest.fixture(scope="module")
def renderer(tiny: Base) -> Renderer:
    return Renderer(tiny, device=CPU, progress=False)


@pytest.fixture(scope="module")
def plain(renderer: Renderer) -> Frames:
    return renderer.render(PROMPT)


def test_a_clip_is_the_bases_own_size(plain: Frames) -> None:
    assert plain.shape == (FRAMES, SIZE, SIZE, 3)
    assert plain.dtype == np.uint8


def test_a_seed_means_one_clip(renderer: Renderer, plain: Frames) -> None:
    assert np.array_equal(renderer.render(PROMPT, Clip(seed=0)), plain)
    assert not np.array_equal(renderer.render(PROMPT, Clip(seed=1)), plain)


def test_an_adapter_changes_the_clip_and_leaves_the_base_as_it_was(
    renderer: Renderer, plain: Frames, trained: Adapter
) -> None:
    names = [name for name, _ in renderer.pipe.transformer.named_modules()]
    before = {k: v.clone() for k, v in renderer.pipe.transformer.state_dict().items()}
    with renderer.adapter(trained):
        adapted = renderer.render(PROMPT)
    assert not np.array_equal(adapted, plain)
    assert np.array_equal(renderer.render(PROMPT), plain)
    assert [name for name, _ in renderer.pipe.transformer.named_modules()] == names
    after = renderer.pipe.transformer.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    with renderer.adapter(trained):
        assert np.array_equal(renderer.render(PROMPT), adapted)


def test_an_adapter_comes_out_after_an_error_too(
    renderer: Renderer, plain: Frames, trained: Adapter
) -> None:
    with pytest.raises(RenderError), renderer.adapter(trained):
        renderer.render("")
    assert np.array_equal(renderer.render(PROMPT), plain)


def test_the_scale_goes_from_the_base_to_the_adapter(
    renderer: Renderer, plain: Frames, trained: Adapter
) -> None:
    away = []
    for scale in (0.0, 0.5, 1.0):
        with renderer.adapter(trained, scale):
            away.append(np.abs(renderer.render(PROMPT).astype(int) - plain).mean())
    assert away[0] == 0
    assert away[0] < away[1] < away[2]


def test_plain_diffusers_renders_the_same_clip(
    renderer: Renderer, tiny: Base, trained: Adapter
) -> None:
    with renderer.adapter(trained):
        ours = renderer.render(PROMPT, Clip(seed=5))
    pipe = WanPipeline.from_pretrained(tiny.source, dtype=torch.float32)
    pipe.load_lora_weights(trained.folder, weight_name=WEIGHTS)
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        PROMPT,
        height=tiny.height,
        width=tiny.width,
        num_frames=tiny.frames,
        num_inference_steps=tiny.steps,
        guidance_scale=tiny.guidance,
        generator=torch.Generator().manual_seed(5),
        max_sequence_length=min(pipe.tokenizer.model_max_length, 512),
        output_type="np",
    ).frames[0]
    assert np.abs(np.round(theirs * 255) - ours).max() <= 1


def test_an_adapter_of_another_base_is_refused(
    renderer: Renderer, trained: Adapter, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = write_tiny_base(tmp_path_factory.mktemp("bases") / "other", seed=1)
    other = Renderer(Base(name="other", source=str(folder)), device=CPU)
    with pytest.raises(WrongBase, match="not on 'other'"), other.adapter(trained):
        pass


def test_settings_are_the_bases_own_unless_given(renderer: Renderer) -> None:
    assert settings_of(renderer.base, PROMPT, Clip()) == {
        "prompt": PROMPT,
        "height": SIZE,
        "width": SIZE,
        "num_frames": FRAMES,
        "num_inference_steps": STEPS,
        "guidance_scale": 3.0,
        "seed": 0,
    }
    given = settings_of(renderer.base, PROMPT, Clip(64, 48, 16, 7, 0.0, 3))
    assert list(given.values())[1:] == [64, 48, 13, 7, 0.0, 3]


def test_a_base_that_takes_no_guidance_is_given_none(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(renderer.family), "takes_guidance", False)
    assert settings_of(renderer.base, PROMPT, Clip())["guidance_scale"] == 1.0
    with pytest.raises(RenderError, match=r"guidance 3\.0 does not fit: .* leave it out"):
        settings_of(renderer.base, PROMPT, Clip(guidance=3.0))


def test_guidance_leads_away_from_a_negative_prompt(renderer: Renderer) -> None:
    seed, negative = 5, "wet, blurred"
    away = renderer.render(PROMPT, Clip(seed=seed, negative=negative))
    assert (
        settings_of(renderer.base, PROMPT, Clip(negative=negative))["negative_prompt"] == negative
    )
    assert not np.array_equal(away, renderer.render(PROMPT, Clip(seed=seed)))
    weaker = renderer.render(PROMPT, Clip(seed=seed, negative=negative, guidance=1.5))
    assert not np.array_equal(away, weaker)


def test_a_base_that_leads_away_from_nothing_takes_no_negative_prompt(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(renderer.family), "takes_negative", False)
    with pytest.raises(RenderError, match=r"negative 'wet' does not fit: .* leave it out"):
        settings_of(renderer.base, PROMPT, Clip(negative="wet"))


@pytest.mark.parametrize(
    ("prompt", "clip", "named"),
    [
        ("", Clip(), "prompt is empty"),
        (" \n\t", Clip(), "prompt is empty"),
        (PROMPT, Clip(height=40), r"height 40.*multiples of 16"),
        (PROMPT, Clip(width=-16), r"width -16.*multiples of 16"),
        (PROMPT, Clip(height=0), r"height 0"),
        (PROMPT, Clip(frames=0), r"frames 0.*at least 1"),
        (PROMPT, Clip(frames=-3), r"frames -3.*at least 1"),
        (PROMPT, Clip(steps=0), r"steps 0.*at least 1"),
        (PROMPT, Clip(steps=-1), r"steps -1.*at least 1"),
        (PROMPT, Clip(guidance=float("nan")), "guidance nan"),
        (PROMPT, Clip(guidance=-1.0), r"guidance -1\.0"),
        (PROMPT, Clip(guidance=1.0, negative="wet"), r"'wet' does not fit guidance 1\.0"),
        (PROMPT, Clip(seed=-1), "seed -1"),
        (PROMPT, Clip(seed=10**20), "seed 1000"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_can(
    renderer: Renderer, prompt: str, clip: Clip, named: str
) -> None:
    with pytest.raises(RenderError, match=named):
        renderer.render(prompt, clip)


def test_a_scale_that_is_no_number_is_refused(renderer: Renderer, trained: Adapter) -> None:
    with pytest.raises(RenderError, match="scale nan"), renderer.adapter(trained, float("nan")):
        pass


@pytest.mark.parametrize("damage", ["names", "shapes"])
def test_weights_that_do_not_fit_are_refused_and_leave_the_base_as_it_was(
    renderer: Renderer, trained: Adapter, plain: Frames, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "misfit"
    shutil.copytree(trained.folder, folder)
    weights = load_file(folder / WEIGHTS)
    if damage == "names":
        weights = {f"other.{name}": weight for name, weight in weights.items()}
    else:
        weights = {name: weight[:, :3].contiguous() for name, weight in weights.items()}
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(BrokenAdapter, match="does not fit"), renderer.adapter(Adapter(folder)):
        pass
    assert np.array_equal(renderer.render(PROMPT), plain)
