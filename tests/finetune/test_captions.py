"""What is said of photos, and how often they come in their own light and in others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

import finetune.captions
from finetune.captions import captioned
from finetune.data import SubjectData
from finetune.errors import TrainingError
from finetune.examples import Example, Prompt
from subjects.editing import edit_subject

LIGHTS = ("at dusk", "at night")


def views_of(photos: int, each: int) -> list[Example]:
    return [Example(torch.tensor(float(number)), "toto") for number in range(photos * each)]


def test_without_other_lights_every_view_comes_once() -> None:
    photos, captions = views_of(2, 2), ["a", "a", "b", "b"]
    learnt = captioned(photos, captions, views=2, lights=())
    assert [e.caption for e in learnt] == captions
    assert [e.latents for e in learnt] == [e.latents for e in photos]


def test_half_of_what_comes_of_a_photo_is_in_its_own_light() -> None:
    said = ["a, by day"] * 2 + ["a, at dusk"] * 2 + ["a, at night"] * 2
    learnt = captioned(views_of(1, 6), said, views=6, lights=LIGHTS)
    assert Counter(e.caption for e in learnt) == {"a, by day": 4, "a, at dusk": 2, "a, at night": 2}
    own = Counter(e.latents.item() for e in learnt if e.caption == "a, by day")
    assert own == {0.0: 2, 1.0: 2}


def test_a_photo_that_is_in_no_other_light_comes_as_often() -> None:
    said = ["a, by day", "a, at dusk", "a, at night", "b, at dusk", None, None]
    learnt = captioned(views_of(2, 3), said, views=3, lights=LIGHTS)
    assert Counter(e.caption[0] for e in learnt) == {"a": 4, "b": 4}
    assert {e.latents.item() for e in learnt if e.caption == "b, at dusk"} == {3.0}


def test_captions_of_photos_say_that_nothing_moves_where_they_are_to(
    make: Callable[..., SubjectData],
) -> None:
    said = ", not moving, static camera"  # the subject is added as an object
    plain = make(held=1, held_frames=5, dropout=0.0).material
    told = make(held=1, held_frames=5, dropout=0.0, stillness=True)
    for name in ("photos", "held"):
        captions = [example.caption for example in told.material.of(name)]
        assert captions == [example.caption + said for example in plain.of(name)]
        assert all(Prompt(caption) in told.material.embeddings for caption in captions)
    clips = [example.caption for example in told.material.clips]
    assert clips == [example.caption for example in plain.clips]


def test_captions_that_nobody_wrote_tell_where_the_base_sees_the_subject(
    make: Callable[..., SubjectData], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[torch.Tensor] = []

    def numbered(pictures: Sequence[torch.Tensor], *_: Any, **__: Any) -> list[str]:
        looked_at.extend(pictures)
        return [f"in the snow, at dusk {number}" for number, _ in enumerate(pictures)]

    monkeypatch.setattr(finetune.captions, "seen_around", numbered)
    data = make(held=1, held_frames=5, dropout=0.0)
    own = data.captions
    edit_subject(
        data.subject,
        home=data.home,
        captions={data.subject.learnt[0].path.name: f"{own[0]}, On Stage, indoors"},
    )
    told = make(held=1, held_frames=5, dropout=0.0, flip=True, stillness=True, surroundings=True)
    said, still = [f"{own[0]}, On Stage, indoors"], ", not moving, static camera"
    said += [f"{caption}, in the snow, at dusk {n}" for n, caption in enumerate(own[1:])]
    assert told.captions == [caption + still for caption in said]
    for kind in ("photos", "held"):
        captions = [example.caption for example in told.material.of(kind)]
        assert captions == [caption for caption in told.captions for _ in range(2)]
    assert all(Prompt(caption) in told.material.embeddings for caption in told.captions)
    bare = [example.latents for example in told.material.photos[2::2]]
    assert all(map(torch.equal, looked_at, bare))
    assert len(looked_at) == len(bare)


def test_photos_by_day_are_learnt_in_every_light(
    make: Callable[..., SubjectData], monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_by_day(pictures: Sequence[torch.Tensor], *_: Any, **__: Any) -> list[str]:
        return ["on stage, by day", *["in a room, at night"] * (len(pictures) - 1)]

    monkeypatch.setattr(finetune.captions, "seen_around", first_by_day)
    own = make(held=1, held_frames=5)
    described = f"{own.captions[-1]}, On Stage, by day"
    last = own.subject.learnt[-1].path.name
    edit_subject(own.subject, home=own.home, captions={last: described})
    own = make(held=1, held_frames=5)
    lit = make(held=1, held_frames=5, surroundings=True, relit=True)
    lights = [
        f"{own.captions[0]}, on stage, {light}" for light in ("by day", "at dusk", "at night")
    ]
    others = [*(f"{caption}, in a room, at night" for caption in own.captions[1:-1]), described]
    assert lit.captions == [*lights, *others]
    for kind in ("photos", "held"):
        learnt = [example.caption for example in lit.material.of(kind)]
        assert learnt == [lights[0], *lights, *(c for c in others for _ in range(4))]
        as_taken = [lit.material.of(kind)[0], *lit.material.of(kind)[4::4]]
        for example, plain in zip(as_taken, own.material.of(kind), strict=True):
            assert torch.equal(example.latents, plain.latents)


def test_light_is_not_changed_where_none_is_looked_for(make: Callable[..., SubjectData]) -> None:
    with pytest.raises(TrainingError, match="data.relit=True .* --data.surroundings true"):
        make(relit=True)
