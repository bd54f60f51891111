"""The base reads in photos what it draws of prompts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Generator

from bases.families import family_of
from bases.family import Family
from bases.hub import open_base
from bases.pocket.face_pictures import ANYWHERE
from bases.pocket.world import film, sample_looks, sample_scenes
from finetune.surroundings import seen_around
from tests.conftest import CPU


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
