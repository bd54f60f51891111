"""The base reads in photos what it draws of prompts."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from bases.families import family_of
from bases.hub import open_base
from bases.pocket.draw_sample import SCENES, SEED, sample_photos
from finetune.surroundings import seen_around
from tests.conftest import CPU


def test_pocket_tells_where_its_sample_photos_were_taken() -> None:
    family = family_of(open_base("pocket"))
    _, photos = sample_photos(SEED + 1, count=4)
    vae = family.load("vae", dtype=torch.float32, device=CPU)
    with torch.no_grad():
        pictures = [
            family.encode_video(vae, F.avg_pool2d(photo, 2)[None, :, None])[0] for photo in photos
        ]
    seen = seen_around(pictures, family, class_noun="person", dtype=torch.float32, device=CPU)
    assert [around.split(", ")[0].split()[-1] for around in seen] == [
        place for _, _, place, _ in SCENES[:4]
    ]
    assert all(around.endswith(", by day") for around in seen)
