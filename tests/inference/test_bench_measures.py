"""The bench's measures on cases whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bases.pocket.judge.network import Judge
from bases.pocket.judge.watcher import CELLS, SPOTS, Watcher
from bases.pocket.shape import PocketShape
from bases.pocket.world import film, sample_looks, sample_scenes
from bases.pocket.world.physics import GRAVITY, bouncing
from bases.pocket.world.truth import clip_truth
from inference.bench.colours import Backdrops, colour_shares
from inference.bench.copying import copied
from inference.bench.intervals import interval
from inference.bench.physics import gravity_of, restitution_of
from inference.bench.retrieval import retrieve
from inference.bench.scores import Who, _followed_spots, _found_among_others, _intensity, _physics
from inference.bench.turns import by_turn


def test_the_interval_of_many_alike_is_narrow_and_of_nothing_is_none() -> None:
    many = interval(list(np.random.default_rng(0).normal(5.0, 1.0, 400)), of="mean")
    few = interval([4.0, 5.0, 6.0])
    assert many is not None
    assert few is not None
    assert many.low < 5.0 < many.high
    assert many.high - many.low < 0.3 < few.high - few.low
    assert few.value == 5.0
    assert interval([math.nan]) is None


def test_the_worlds_jumps_fall_with_the_worlds_gravity() -> None:
    generator = torch.Generator().manual_seed(3)
    scene = sample_scenes(8, generator, kind="person", action="jump", shot="wide", move="still")
    truth = clip_truth(sample_looks(8, generator), scene, size=32, frames=17, fps=16)
    found = [gravity_of(lift.double().numpy(), 16) for lift in truth.lift]
    assert np.nanmedian(found) == pytest.approx(GRAVITY, rel=0.05)


def test_who_stands_still_has_no_gravity_to_measure() -> None:
    assert math.isnan(gravity_of(np.zeros(17), 16))


@pytest.mark.parametrize("kept", [0.6, 0.8])
def test_bounces_lose_what_the_restitution_says(kept: float) -> None:
    seconds = torch.arange(33) / 16
    heights = bouncing(torch.full((33,), 1.6), torch.full((33,), kept), seconds)
    assert restitution_of(heights.double().numpy(), 0.0) == pytest.approx(kept, abs=0.06)
    assert math.isnan(restitution_of(np.zeros(33), 0.0))


def test_a_subject_behind_one_look_alike_is_second() -> None:
    own, near, far = np.eye(3, dtype=np.float32)
    query = (0.6 * own + 0.8 * near)[None]
    found = retrieve(query, own[None], np.stack((near, far)))
    assert found.rank1 == 0
    assert found.mean_average_precision == pytest.approx(0.5)
    assert retrieve(query, own[None], far[None]) == (1.0, 1.0)


def test_who_turns_away_is_not_looked_for_among_look_alikes() -> None:
    generator = torch.Generator().manual_seed(0)
    own, other = np.eye(2, 128, dtype=np.float32)[:, None]
    who = Who("person", sample_looks(1, generator), own, own, other, 1.0)
    seen = Judge(Watcher(width=32, depth=1))(torch.zeros(1, 3, 2, 64, 64))
    seen = replace(seen, identity=torch.from_numpy(own)[None])
    named = {"kind": "person", "shot": "close-up"}
    front, back = (sample_scenes(1, generator, None, view=v, **named) for v in ("front", "back"))
    assert _found_among_others(seen, who, front) == {"rank1": 1.0, "mAP": 1.0}
    assert _found_among_others(seen, who, back) == {}


def test_frames_of_a_photo_are_copied_and_new_ones_are_not() -> None:
    generator = torch.Generator().manual_seed(0)
    photos = torch.rand(4, 3, 48, 48, generator=generator)
    fresh = torch.rand(4, 3, 64, 64, generator=generator)
    assert copied(photos[[2, 2, 1]], photos, fresh) == 1.0
    assert copied(fresh[[0, 3]], photos, fresh) == 0.0


@pytest.mark.parametrize(
    ("shot", "move"), [("wide", "still"), ("wide", "zoom in"), ("close-up", "still")]
)
def test_spots_where_they_truly_are_fall_with_the_worlds_gravity(shot: str, move: str) -> None:
    """Those that leave the picture, as the hips do in a close-up, are not followed."""
    generator = torch.Generator().manual_seed(5)
    scene = sample_scenes(6, generator, kind="person", action="jump", shot=shot, move=move)
    truth = clip_truth(sample_looks(6, generator), scene, size=64, frames=17, fps=16)
    cells = ((truth.joints + 0.5) * CELLS / 64 - 0.5).clamp(0, CELLS - 1)
    corner, share = cells.floor(), cells - cells.floor()
    steps = torch.arange(CELLS)
    along = [
        torch.where(steps == corner[..., [axis]], 1 - share[..., [axis]], 0.0)
        + torch.where(steps == corner[..., [axis]] + 1, share[..., [axis]], 0.0)
        for axis in (0, 1)
    ]
    maps = (along[1][..., :, None] * along[0][..., None, :]).clamp_min(1e-9).log()
    found = []
    for row in range(len(scene)):
        seen = Judge(Watcher(width=32, depth=1))(torch.zeros(1, 3, 17, 64, 64))
        seen = replace(seen, spots=maps[[row]])
        found.append(_physics(seen, scene[[row]], 16).get("gravity", math.nan))
    assert np.nanmedian(found) == pytest.approx(GRAVITY, rel=0.12)


def test_likeness_is_told_by_how_far_the_head_is_turned() -> None:
    similar = np.array([0.9, 0.7, 0.5, 0.1, 0.2], np.float32)
    found = by_turn(similar, np.array([-5.0, 10.0, -60.0, math.nan, math.nan]))
    assert found == {"frontal": pytest.approx(0.8), "profile": pytest.approx(0.5)}
    wholly = by_turn(np.array([0.4, 0.6], np.float32), np.array([90.0, -90.0]))
    assert wholly == {"profile": pytest.approx(0.5)}


def test_a_jumping_pet_is_followed_by_its_head_alone() -> None:
    generator = torch.Generator().manual_seed(5)
    scene = sample_scenes(1, generator, None, kind="pet", action="jump", move="still")
    assert _followed_spots(scene) == [SPOTS.index("head")]


def test_the_strength_of_an_expression_is_measured_where_it_is_seen() -> None:
    generator = torch.Generator().manual_seed(0)
    seen = Judge(Watcher(width=32, depth=1))(torch.zeros(1, 3, 2, 64, 64))
    seen = replace(seen, intensity=torch.zeros_like(seen.intensity))
    named = {"kind": "person", "shot": "close-up"}
    front, back = (sample_scenes(1, generator, None, view=v, **named) for v in ("front", "back"))
    assert _intensity(seen, front)["intensity"] == pytest.approx(abs(0.5 - float(front.intensity)))
    assert _intensity(seen, back) == {}


def test_a_place_is_known_by_its_corners_and_a_look_by_its_colours() -> None:
    shape = PocketShape(32, 5, 16, {}, {}, {})
    generator = torch.Generator().manual_seed(5)
    looks = sample_looks(8, generator)
    scenes = sample_scenes(8, generator, shape.world, kind="person", light="day")
    clips = film(looks, scenes, size=32, frames=2, fps=4).permute(0, 2, 3, 4, 1)
    frames = ((clips + 1) * 127.5).round().byte().numpy()
    backdrops = Backdrops(shape, "day")
    places = [backdrops.place_of(clip) for clip in frames]
    right = sum(place == scenes.named("place", i) for i, place in enumerate(places))
    assert right >= 7
    own = [colour_shares(frames[i], looks[[i]], "person")["shirt"] for i in range(8)]
    others = [colour_shares(frames[i], looks[[i - 1]], "person")["shirt"] for i in range(8)]
    assert np.mean(own) > 2 * np.mean(others)
