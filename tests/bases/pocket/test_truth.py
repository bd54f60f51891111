"""The truth about faces agrees with the pixels that the painter paints."""

import pytest
import torch
from torch import Generator, Tensor

from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import Look, Scene, film, sample_looks, sample_scenes
from bases.pocket.world.truth import FaceTruth, face_truth

SIZE = 192


def drawn(seed: int, **named: str) -> tuple[Look, Scene, Tensor, FaceTruth]:
    """Six bare-eyed individuals, their pictures in [0, 1] before the light, and the truth."""
    generator = Generator().manual_seed(seed)
    look, scene = sample_looks(6, generator), sample_scenes(6, generator, PEOPLE, **named)
    look.person.glasses.zero_()
    scene.brightness.fill_(1.0)
    pictures = (film(look, scene, size=SIZE)[:, :, 0] + 1) / 2
    return look, scene, pictures, face_truth(look, scene, size=SIZE)


def colours_at(pictures: Tensor, points: Tensor) -> Tensor:
    """The pixels (N, 3) of pictures (N, 3, H, W) at points (N, 2)."""
    column, row = points.round().long().unbind(-1)
    return pictures[torch.arange(len(pictures)), :, row, column]


@pytest.mark.parametrize("shot", ["close-up", "medium", "wide"])
@pytest.mark.parametrize("eye", [0, 1])
def test_eyes_lie_on_the_painted_eyes(shot: str, eye: int) -> None:
    look, _, pictures, truth = drawn(0, shot=shot, view="front", action="clap")
    found = colours_at(pictures, truth.landmarks[:, 0, eye])
    ink = torch.tensor((0.13, 0.10, 0.12))
    iris = look.person.iris
    eye_colours = torch.stack((iris, ink.expand_as(iris), torch.ones(6, 3)), 1)
    # A pixel may mix two of the eye's colours, but is further from the skin than from all of them.
    nearest = (eye_colours - found[:, None]).norm(dim=-1).amin(1)
    assert (nearest < 0.25).all()


def test_the_nose_is_a_darker_skin() -> None:
    look, _, pictures, truth = drawn(1, view="front", shot="close-up", action="stand")
    found = colours_at(pictures, truth.landmarks[:, 0, 2])
    assert torch.allclose(found, look.person.skin * 0.84, atol=0.05)


def test_mouth_corners_enclose_the_lips() -> None:
    _, _, pictures, truth = drawn(
        2, view="front", shot="close-up", expression="neutral", action="stand"
    )
    middle = truth.landmarks[:, 0, 3:].mean(1)
    lips = torch.tensor((0.55, 0.12, 0.14))
    assert ((colours_at(pictures, middle) - lips).norm(dim=-1) < 0.15).all()


def test_the_box_holds_the_forehead_and_the_chin() -> None:
    look, _, pictures, truth = drawn(3, view="front", shot="medium", action="stand")
    left, _, right, bottom = truth.box[:, 0].unbind(-1)
    middle = (left + right) / 2
    chin = colours_at(pictures, torch.stack((middle, bottom - 4), -1))
    assert torch.allclose(chin, look.person.skin, atol=0.06)
    below = colours_at(pictures, torch.stack((middle, bottom + 1.5), -1))
    assert ((below - look.person.skin).norm(dim=-1) > 0.1).all()


@pytest.mark.parametrize("view", ["front", "three-quarter", "profile"])
def test_landmarks_stay_on_the_face_and_in_order(view: str) -> None:
    generator = Generator().manual_seed(4)
    look, scene = sample_looks(40, generator), sample_scenes(40, generator, PEOPLE, view=view)
    truth = face_truth(look, scene, size=64, frames=5, fps=4)
    slack = 0.1 * (truth.box[..., 2:] - truth.box[..., :2])[..., None, :]
    assert (truth.landmarks > truth.box[..., None, :2] - slack).all()
    assert (truth.landmarks < truth.box[..., None, 2:] + slack).all()
    eyes, corners = truth.landmarks[..., :2, :].mean(-2), truth.landmarks[..., 3:, :].mean(-2)
    assert (eyes[..., 1] < corners[..., 1]).all()


def test_a_profile_hides_the_far_eye() -> None:
    look, _, _, truth = drawn(5, view="profile", shot="wide")
    assert truth.shown.shape == (6, 1, 5)
    assert (truth.shown[:, 0, :2].amin(1) < 0.5).all()
    assert (truth.shown[:, 0, :2].amax(1) == 1).all()


def test_frames_follow_the_film() -> None:
    generator = Generator().manual_seed(6)
    look, scene = sample_looks(2, generator), sample_scenes(2, generator, PEOPLE, action="jump")
    truth = face_truth(look, scene, size=64, frames=9, fps=8)
    assert truth.box.shape == (2, 9, 4)
    assert (truth.box[:, :, 1].amax(1) - truth.box[:, :, 1].amin(1) > 3).all()
