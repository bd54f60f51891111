"""The base reads in photos what it draws of prompts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Generator

from bases.catalogue import find_base
from bases.families import family_of
from bases.family import Family
from bases.hub import open_base
from bases.pocket.face_pictures import ANYWHERE
from bases.pocket.world import film, sample_looks, sample_scenes
from finetune.surroundings import seen_around
from tests.conftest import CPU
from tests.tiny_base import write_tiny_base


@pytest.fixture
def family() -> Family:
    return family_of(open_base("pocket"))


def test_pocket_tells_where_and_in_what_light_pictures_were_taken(family: Family) -> None:
    world = replace(ANYWHERE, action=("stand",), view=("front",))
    where = {"beach": "day", "room": "dusk", "forest": "night"}
    generator = Generator().manual_seed(1)
    vae = family.load("vae", dtype=torch.float32, device=CPU)
    pictures = []
    for place, light in where.items():
        scene = sample_scenes(1, generator, world, place=place, light=light, shot="medium")
        clip = film(sample_looks(1, generator), scene, size=128)
        pictures.append(family.encode_video(vae, clip[:, :, :1])[0])
    seen = seen_around(pictures, family, class_noun="person", dtype=torch.float32, device=CPU)
    assert seen == ["at the beach, by day", "in a room, at dusk", "in the forest, at night"]


def test_nothing_is_loaded_where_there_is_nothing_to_look_at(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "load", None)
    assert seen_around([], family, class_noun="person", dtype=torch.float32, device=CPU) == []


def test_of_two_experts_the_one_for_so_much_noise_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = family_of(find_base(str(write_tiny_base(tmp_path / "two", like="2.2-a14b"))))
    loaded, load = list[str](), family.load

    def note(part: str, **settings: Any) -> Any:
        loaded.append(part)
        return load(part, **settings)

    monkeypatch.setattr(family, "load", note)
    picture = torch.randn(4, 1, 4, 4, generator=Generator().manual_seed(0))
    assert seen_around([picture], family, class_noun="cup", dtype=torch.float32, device=CPU)
    asked = [expert for expert in family.experts if expert.part in loaded]
    assert [(expert.name, expert.high) for expert in asked] == [("high_noise", 1.0)]
