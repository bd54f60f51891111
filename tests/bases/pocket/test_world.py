import random

import pytest
import torch

from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import (
    LANGUAGES,
    Repertoire,
    caption,
    film,
    film_with_masks,
    sample_looks,
    sample_scenes,
)
from bases.pocket.world.captions import words_of
from bases.pocket.world.fabric import PATTERNS
from bases.pocket.world.people.look import GLASSES, HAIR_SHAPES
from bases.pocket.world.people.pose import kick_at, person_pose
from bases.pocket.world.pets.look import EARS, TAILS
from bases.pocket.world.physics import GRAVITY
from bases.pocket.world.scenes import ACTIONS, ACTIONS_OF, CHOICES, KINDS, MOVES
from bases.pocket.world.things.look import SHAPES
from bases.pocket.world.truth import JOINTS, clip_truth

STILL = {"company": "alone", "move": "still", "light": "day"}


def drawn(seed: int, count: int = 3, frames: int = 2, **named: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    look, scene = sample_looks(count, generator), sample_scenes(count, generator, **named)
    return film(look, scene, size=32, frames=frames)


def test_the_same_seed_draws_the_same_clip() -> None:
    assert torch.equal(drawn(5, count=12), drawn(5, count=12))


def test_another_seed_draws_another_clip() -> None:
    assert (drawn(5) - drawn(6)).abs().mean() > 0.05


def test_a_clip_does_not_depend_on_what_is_drawn_beside_it() -> None:
    generator = torch.Generator().manual_seed(1)
    look, scene = sample_looks(9, generator), sample_scenes(9, generator)
    together = film(look, scene, size=32, frames=3)
    for index in range(9):
        alone = film(look[[index]], scene[[index]], size=32, frames=3)
        assert torch.allclose(together[[index]], alone, atol=1e-5)


def test_pictures_stay_in_range_and_have_the_shape_asked_for() -> None:
    clip = drawn(7, count=24, frames=5)
    assert clip.shape == (24, 3, 5, 32, 32)
    assert clip.min() >= -1
    assert clip.max() <= 1
    assert clip.isfinite().all()


def test_masks_come_with_the_same_film() -> None:
    generator = torch.Generator().manual_seed(2)
    look, scene = sample_looks(6, generator), sample_scenes(6, generator)
    video, masks = film_with_masks(look, scene, size=32, frames=2)
    assert torch.equal(video, film(look, scene, size=32, frames=2))
    assert torch.equal(masks[:, 0], clip_truth(look, scene, size=32, frames=2).masks[:, 0])


@pytest.mark.parametrize(
    ("kind", "action"),
    [(k, a) for k in KINDS for a in ACTIONS_OF[k] if a not in ("stand", "rest", "sit")],
)
def test_every_action_moves_more_than_rest(kind: str, action: str) -> None:
    def moved(name: str) -> float:
        clip = drawn(3, 6, 9, kind=kind, action=name, shot="medium", view="front", **STILL)
        return float(clip.diff(dim=2).abs().mean())

    rest = "rest" if kind == "object" else "stand"
    assert moved(action) > 1.3 * moved(rest)


@pytest.mark.parametrize("move", [m for m in MOVES if m != "still"])
def test_every_camera_move_moves_the_place(move: str) -> None:
    def moved(name: str) -> float:
        named = {**STILL, "move": name, "kind": "object", "action": "rest", "place": "city"}
        return float(drawn(4, 6, 9, **named)[..., :16, :].diff(dim=2).abs().mean())

    assert moved(move) > 3 * moved("still") + 1e-3


def test_night_is_darker_than_dusk_and_dusk_than_day() -> None:
    light = [float(drawn(8, 6, 1, **{**STILL, "light": name}).mean()) for name in CHOICES["light"]]
    assert light == sorted(light, reverse=True)


def test_a_jump_is_a_parabola_under_gravity() -> None:
    generator = torch.Generator().manual_seed(0)
    look = sample_looks(1, generator).person
    scene = sample_scenes(1, generator, PEOPLE, action="jump")
    seconds = torch.linspace(0, 2, 2001)
    rows = torch.zeros(len(seconds), dtype=torch.long)
    lift = person_pose(look[rows], scene[rows], seconds).lift.double()
    assert _falls(lift, 0.001).mean() == pytest.approx(-GRAVITY, rel=0.02)
    assert lift.max() == pytest.approx(float(scene.jump), rel=0.01)


def test_a_bounce_falls_under_gravity_and_loses_height() -> None:
    generator = torch.Generator().manual_seed(0)
    look, scene = sample_looks(1, generator), sample_scenes(1, generator, action="bounce", **STILL)
    lift = clip_truth(look, scene, size=16, frames=3000, fps=1000).lift[0].double()
    assert _falls(lift, 0.001).median() == pytest.approx(-GRAVITY, rel=0.02)
    inner = lift[1:-1]
    peaks = inner[(inner > lift[:-2]) & (inner >= lift[2:]) & (inner > 0.01)]
    kept = float(scene.restitution) ** 2
    assert len(peaks) >= 3
    for before, after in zip(peaks, peaks[1:], strict=False):
        assert float(after / before) == pytest.approx(kept, rel=0.05)


def _falls(lift: torch.Tensor, step: float) -> torch.Tensor:
    """The acceleration wherever a thing is in the air, two steps from the ground."""
    bend = lift[2:] - 2 * lift[1:-1] + lift[:-2]
    airborne = (lift[2:] > 0.01) & (lift[:-2] > 0.01)
    assert airborne.sum() > 100
    return bend[airborne] / step**2


def test_a_kicked_ball_moves_after_the_kick_and_not_before() -> None:
    generator = torch.Generator().manual_seed(2)
    look, scene = sample_looks(8, generator), sample_scenes(8, generator, action="kick", **STILL)
    truth = clip_truth(look, scene, size=64, frames=33)
    moved = (truth.ball - truth.ball[:, :1]).norm(dim=-1)
    seconds = torch.arange(33) / 16
    before = seconds[None] <= kick_at(scene)[:, None]
    assert moved[before].max() < 1e-3
    assert (moved[:, -1] > 5).all()


def test_the_masks_are_where_two_subjects_are() -> None:
    generator = torch.Generator().manual_seed(3)
    look, scene = (
        sample_looks(6, generator),
        sample_scenes(6, generator, kind="person", company="person", shot="wide"),
    )
    masks = clip_truth(look, scene, size=48).masks
    assert masks.shape == (6, 2, 1, 48, 48)
    assert (masks.sum(1) <= 1 + 1e-5).all()
    assert (masks.mean((2, 3, 4)) > 0.02).all()
    alone = sample_scenes(6, torch.Generator().manual_seed(3), company="alone")
    assert clip_truth(look, alone, size=48).masks[:, 1].max() == 0


def test_joints_lie_on_the_subject() -> None:
    generator = torch.Generator().manual_seed(4)
    look = sample_looks(20, generator)
    scene = sample_scenes(20, generator, kind="person", action="wave", shot="wide", **STILL)
    truth = clip_truth(look, scene, size=96)
    points = truth.joints[:, 0].round().long().clamp(0, 95)
    assert points.shape == (20, len(JOINTS), 2)
    masks = truth.masks[:, 0, 0]
    on = torch.stack([m[p[:, 1], p[:, 0]] for m, p in zip(masks, points, strict=True)])
    assert (on > 0.5).float().mean() > 0.97


def test_captions_name_the_scene_and_never_the_look() -> None:
    generator = torch.Generator().manual_seed(2)
    scenes = sample_scenes(600, generator)
    rng = random.Random(0)
    looks = {*HAIR_SHAPES, *GLASSES, *PATTERNS, *EARS, *TAILS, *SHAPES, "hair", "skin", "shirt"}
    colours = {"red", "blue", "green", "blond", "black", "white", "grey", "brown", "pink"}
    for index in range(len(scenes)):
        words = set(caption(scenes, index, rng=rng).replace(",", " ").replace("-", " ").split())
        # "long shot", "round" and "ball" are of the scene: "circles around", "kicks a ball".
        assert not words & (looks | colours) - {"long", "none", "ball"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_for_everything_that_can_be_named(language: str) -> None:
    words = words_of(language)
    for choice in ("action", "place", "light", "shot", "view", "move", "expression"):
        assert tuple(sorted(words[choice])) == tuple(sorted(CHOICES[choice]))
        wordings = [w for options in words[choice].values() for w in _flat(options)]
        assert all(isinstance(wording, str) for wording in wordings)
        assert len(wordings) == len(set(wordings)), "one wording for two things"
    assert set(words["subject"]) == set(words["company"]) == set(KINDS)


def _flat(options: list[str] | dict[str, list[str]]) -> list[str]:
    return options if isinstance(options, list) else [w for part in options.values() for w in part]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plain_caption_names_everything(language: str) -> None:
    scene = sample_scenes(1, torch.Generator(), kind="person", company="pet")
    words, said = words_of(language), caption(scene, language=language)
    for choice in ("action", "place", "light", "shot", "view", "move"):
        assert words[choice][scene.named(choice, 0)][0] in said
    assert words["company"]["pet"][0] in said


def test_there_are_six_languages() -> None:
    assert set(LANGUAGES) == {"de", "en", "es", "fr", "ja", "zh"}


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"place": "mars"}, "'mars' is none of beach, forest"),
        ({"kind": "pet", "action": "clap"}, "A pet can do none of clap: it can stand"),
        ({"mood": "good"}, "'mood' is none of kind, action"),
    ],
)
def test_what_the_world_does_not_have_is_refused_with_what_it_has(
    named: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        sample_scenes(1, torch.Generator(), **named)


def test_an_action_leaves_the_kinds_that_can_do_it() -> None:
    scenes = sample_scenes(50, torch.Generator().manual_seed(0), action="sit")
    assert {scenes.named("kind", i) for i in range(50)} == {"pet"}
    every = sample_scenes(400, torch.Generator().manual_seed(0))
    assert {every.named("action", i) for i in range(400)} == set(ACTIONS)


def test_a_repertoire_is_kept_to() -> None:
    scenes = sample_scenes(100, torch.Generator().manual_seed(0), Repertoire(place=("moon",)))
    assert {scenes.named("place", i) for i in range(100)} == {"moon"}
