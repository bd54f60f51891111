"""Preservation clips show everything equally often, and are the base's own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from bases.catalogue import Base
from bases.wan import Wan
from finetune.preservation import (
    _ACTIONS,
    _SHOTS,
    _VIEWS,
    LIGHTS,
    PLACES,
    draw_examples,
    preservation_examples,
    prompts,
)
from tests.conftest import CPU


@pytest.mark.parametrize("count", [1, 12, 32, 64, 108])
@pytest.mark.parametrize("names", [_ACTIONS["person"], PLACES, LIGHTS, _SHOTS, _VIEWS])
def test_prompts_show_everything_about_equally_often(count: int, names: tuple[str, ...]) -> None:
    shown = Counter(name for prompt in prompts(count) for name in names if name in prompt)
    assert sum(shown.values()) == count
    assert all(abs(shown[name] - count / len(names)) < 1 for name in names)


def test_what_is_seen_together_differs() -> None:
    assert len(set(prompts(108))) > 100


def test_prompts_name_the_kind_and_nobody_and_what_it_can_do() -> None:
    asked = prompts(10, "dog", "pet")
    assert all(prompt.startswith("a dog ") for prompt in asked)
    assert not any("waving" in prompt for prompt in asked)
    assert any("sitting" in prompt for prompt in asked)


def test_clips_are_what_the_base_draws_for_the_prompt(tiny: Base, family: Wan) -> None:
    wanted = prompts(2)
    first, second = draw_examples(tiny, family, wanted, dtype=torch.float32, device=CPU)
    assert first.latents.shape == family.grid.latent_shape(tiny.height, tiny.width, tiny.frames)
    assert [first.caption, second.caption] == wanted
    pipe = family.pipeline(dtype=torch.float32, device=CPU)
    pipe.set_progress_bar_config(disable=True)
    theirs = pipe(
        wanted[1],
        height=tiny.height,
        width=tiny.width,
        num_frames=tiny.frames,
        num_inference_steps=tiny.steps,
        generator=torch.Generator().manual_seed(1),
        output_type="latent",
        **family.call_arguments(pipe, tiny.guidance),
    ).frames[0]
    assert torch.equal(second.latents, theirs)


def test_clips_of_another_kind_are_drawn_beside_those_that_are_kept(
    tiny: Base, family: Wan, tmp_path: Path
) -> None:
    def make(noun: str, kind: str = "pet") -> list[str]:
        examples = preservation_examples(
            tiny,
            family,
            count=1,
            class_noun=noun,
            kind=kind,
            cache=tmp_path,
            dtype=torch.float32,
            device=CPU,
        )
        return [example.caption for example in examples]

    assert make("dog") != make("cat")
    assert len(list(tmp_path.iterdir())) == 2
    assert make("cat", "object") == prompts(1, "cat", "object") != make("cat")
    assert len(list(tmp_path.iterdir())) == 3
