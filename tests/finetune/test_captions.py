"""What is learnt of photos in their own light and in others, and how often."""

from __future__ import annotations

from collections import Counter

import torch

from finetune.captions import captioned
from finetune.examples import Example

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
