import random

import pytest
import torch

from bases.pocket.world import LANGUAGES, caption, film, sample_looks, sample_scenes
from bases.pocket.world.looks import GLASSES, HAIR_SHAPES, PATTERNS
from bases.pocket.world.poses import pose_at
from bases.pocket.world.scenes import ACTIONS, EXPRESSIONS, GRAVITY, PLACES, SHOTS, VIEWS


def drawn(seed: int, count: int = 3, frames: int = 2, **named: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    look, scene = sample_looks(count, generator), sample_scenes(count, generator, **named)
    return film(look, scene, size=32, frames=frames)


def test_the_same_seed_draws_the_same_clip() -> None:
    assert torch.equal(drawn(5), drawn(5))


def test_another_seed_draws_another_clip() -> None:
    assert (drawn(5) - drawn(6)).abs().mean() > 0.05


def test_a_clip_does_not_depend_on_what_is_drawn_beside_it() -> None:
    generator = torch.Generator().manual_seed(1)
    look, scene = sample_looks(4, generator), sample_scenes(4, generator)
    together = film(look, scene, size=32, frames=3)
    alone = film(look[[2]], scene[[2]], size=32, frames=3)
    assert torch.allclose(together[[2]], alone, atol=1e-5)


def test_pictures_stay_in_range_and_have_the_shape_asked_for() -> None:
    clip = drawn(7, count=8, frames=5)
    assert clip.shape == (8, 3, 5, 32, 32)
    assert clip.min() >= -1
    assert clip.max() <= 1


@pytest.mark.parametrize("action", [a for a in ACTIONS if a != "stand"])
def test_every_action_but_standing_moves_more_than_standing(action: str) -> None:
    def moved(name: str) -> float:
        clip = drawn(3, count=6, frames=9, action=name, shot="medium")
        return float(clip.diff(dim=2).abs().mean())

    assert moved(action) > 1.5 * moved("stand")


def test_a_jump_is_a_parabola_under_gravity() -> None:
    generator = torch.Generator().manual_seed(0)
    look = sample_looks(1, generator)
    scene = sample_scenes(1, generator, action="jump")
    seconds = torch.linspace(0, 2, 2001)
    rows = torch.zeros(len(seconds), dtype=torch.long)
    lift = pose_at(look[rows], scene[rows], seconds).lift.double()
    bend = lift[2:] - 2 * lift[1:-1] + lift[:-2]
    airborne = (lift[2:] > 0.01) & (lift[:-2] > 0.01)
    falls = bend[airborne] / 0.001**2
    assert airborne.sum() > 500
    assert falls.mean() == pytest.approx(-GRAVITY, rel=0.02)
    assert lift.max() == pytest.approx(float(scene.jump), rel=0.01)


def test_captions_name_the_scene_and_never_the_look() -> None:
    generator = torch.Generator().manual_seed(2)
    scenes = sample_scenes(300, generator)
    rng = random.Random(0)
    looks = {*HAIR_SHAPES, *GLASSES, *PATTERNS, "hair", "skin", "shirt", "eyes", "glasses"}
    colours = {"red", "blue", "green", "blond", "black", "white", "grey", "brown", "pink"}
    for index in range(len(scenes)):
        words = set(caption(scenes, index, rng=rng).replace(",", " ").replace("-", " ").split())
        # "long shot" and "hot desert" are of the scene; a look would be "long hair".
        assert not words & (looks | colours) - {"long", "none"}


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_every_language_has_words_for_everything_that_can_be_named(language: str) -> None:
    words = LANGUAGES[language]
    for named, known in (
        (words.action, ACTIONS),
        (words.place, PLACES),
        (words.shot, SHOTS),
        (words.expression, EXPRESSIONS),
        (words.view, VIEWS),
    ):
        assert set(named) == set(known)
        wordings = [w for options in named.values() for w in options]
        assert len(wordings) == len(set(wordings)), "one wording for two things"


def test_an_unknown_place_is_refused_with_what_is_known() -> None:
    with pytest.raises(ValueError, match="'moon' is none of beach, forest"):
        sample_scenes(1, torch.Generator(), place="moon")
