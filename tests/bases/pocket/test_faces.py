"""The face package works through insightface, unpatched, on people it was not trained on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from insightface.app import FaceAnalysis
from insightface.utils import face_align
from torch import Generator

from bases.pocket.face_crops import norm_crop
from bases.pocket.face_export import export_package
from bases.pocket.face_losses import anchors, contrastive_loss, detector_loss
from bases.pocket.face_networks import DETECTOR_SIZE, Detector, Recogniser
from bases.pocket.face_pictures import PEOPLE, look_alikes, photos, portraits, redressed
from bases.pocket.face_report import embeddings, faces, load_package, template
from bases.pocket.world import film, sample_looks, sample_scenes
from bases.pocket.world.canvas import Canvas
from bases.pocket.world.places import paint_places
from bases.pocket.world.truth import face_truth

PACKAGE = Path(__file__).parents[3] / "bases/pocket/weights/faces"
SEED = 20_000_000


@pytest.fixture(scope="module")
def app() -> FaceAnalysis:
    """The package that ships with Pocket."""
    return load_package(PACKAGE)


@pytest.mark.parametrize("size", [64, 128])
def test_finds_every_face_and_its_landmarks(app: FaceAnalysis, size: int) -> None:
    generator = Generator().manual_seed(SEED)
    look, scene = sample_looks(40, generator), sample_scenes(40, generator, PEOPLE)
    truth = face_truth(look, scene, size=size)
    errors = []
    for picture, points, box in zip(
        film(look, scene, size=size)[:, :, 0], truth.landmarks[:, 0], truth.box[:, 0], strict=True
    ):
        found = faces(app, picture)
        if found:
            apart = np.linalg.norm(found[0].kps - points.numpy(), axis=1).mean()
            errors.append(float(apart / (box[2] - box[0])))
    assert len(errors) >= 39
    assert np.median(errors) < 0.06


def test_the_back_of_a_head_is_no_face(app: FaceAnalysis) -> None:
    generator = Generator().manual_seed(SEED)
    look, scene = sample_looks(40, generator), sample_scenes(40, generator, PEOPLE, view="back")
    found = [bool(faces(app, picture)) for picture in film(look, scene, size=128)[:, :, 0]]
    assert sum(found) <= 4


@pytest.mark.parametrize("light", ["dusk", "night"])
def test_knows_in_the_dark_who_was_seen_by_day(app: FaceAnalysis, light: str) -> None:
    generator = Generator().manual_seed(SEED)
    look, named = sample_looks(20, generator), {"shot": "close-up", "view": "front"}
    by_day = sample_scenes(20, generator, PEOPLE, light="day", **named)
    dark = sample_scenes(20, generator, PEOPLE, light=light, **named)
    known, seen = (embeddings(app, film(look, s, size=128)[:, :, 0]) for s in (by_day, dark))
    assert len(known) == len(seen) == 20
    assert np.median((known * seen).sum(1)) > 0.9


def test_finds_nobody_where_nobody_is(app: FaceAnalysis) -> None:
    scene = sample_scenes(30, Generator().manual_seed(SEED), PEOPLE)
    canvas = Canvas(torch.zeros(30, 2), torch.ones(30), 96)
    paint_places(canvas, scene.place, scene.pan, torch.ones(30))
    assert not any(faces(app, picture) for picture in canvas.picture_N3HW * 2 - 1)


def test_tells_twenty_people_from_fifty_strangers(app: FaceAnalysis) -> None:
    generator = Generator().manual_seed(SEED + 1)
    look = sample_looks(70, generator)
    rows = torch.arange(70).repeat_interleave(2)
    known = film(look[rows], sample_scenes(140, generator, PEOPLE, view="front"), size=96)[:, :, 0]
    gallery = np.stack([template(app, pair) for pair in known.unflatten(0, (70, 2))])
    asked = film(look[:20], sample_scenes(20, generator, PEOPLE, view="three-quarter"), size=64)[
        :, :, 0
    ]
    vectors = np.stack([embeddings(app, picture[None])[0] for picture in asked])
    similar = vectors @ gallery.T
    own = similar[np.arange(20), np.arange(20)]
    assert np.median(own) > 0.8
    assert (own > similar[:, 20:].max(1)).mean() >= 0.95


def test_crops_are_insightface_crops() -> None:
    generator = Generator().manual_seed(0)
    look, scene = sample_looks(4, generator), sample_scenes(4, generator, PEOPLE)
    pictures = film(look, scene, size=128)[:, :, 0]
    points = face_truth(look, scene, size=128).landmarks[:, 0]
    ours = norm_crop(pictures, points)
    for picture, landmarks, crop in zip(pictures, points, ours, strict=True):
        image = ((picture + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
        with pytest.warns(FutureWarning):
            theirs = face_align.norm_crop(image, landmarks.numpy())
        apart = (crop.permute(1, 2, 0) + 1) * 127.5 - torch.from_numpy(theirs)
        assert apart.abs().mean() < 1.0


def test_look_alikes_keep_most_traits_and_clothes_change_no_face() -> None:
    generator = Generator().manual_seed(0)
    look = sample_looks(200, generator).person
    alike, dressed = look_alikes(look, generator), redressed(look, generator)
    assert 0.6 < (alike.nose == look.nose).float().mean() < 0.8
    assert torch.equal(dressed.skin, look.skin)
    assert not torch.equal(dressed.shirt, look.shirt)


def test_a_seed_always_draws_the_same_training_pictures() -> None:
    first, again = (photos(8, 64, Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.pictures, again.pictures)
    assert first.landmarks.shape == (8, 2, 5, 2)
    look = sample_looks(3, Generator().manual_seed(1)).person
    assert portraits(look, {32: 2, 48: 1}, Generator().manual_seed(2)).shape == (3, 3, 112, 112)


def test_a_perfect_detector_has_next_to_no_loss() -> None:
    seen = photos(8, DETECTOR_SIZE, Generator().manual_seed(5))
    seen.present[:, 1] = False
    seen.doubtful[:] = False
    place, stride, size = anchors(DETECTOR_SIZE)
    box, points = seen.boxes[:, :1], seen.landmarks[:, :1]
    far = (place - box.unflatten(2, (2, 2)).mean(2)).norm(dim=-1) / stride
    near_size = ((box[..., 2:] - box[..., :2]).prod(-1).sqrt().log() - size.log()).abs()
    hit = (far < 0.8) & (near_size < 0.34) & seen.present[:, :1]
    score = torch.where(hit, 20.0, -20.0)[..., None]
    sides = torch.cat((place - box[..., :2], box[..., 2:] - place), -1) / stride[:, None]
    offsets = (points - place[None, :, None]).flatten(2) / stride[:, None]
    counts = [2 * (DETECTOR_SIZE // s) ** 2 for s in (8, 16, 32)]
    outputs = tuple(part for kind in (score, sides, offsets) for part in kind.split(counts, 1))
    loss, _, landmarks = detector_loss(outputs, seen)
    assert loss < 1e-3
    assert landmarks < 1e-4


def test_two_portraits_that_agree_cost_less_than_two_that_do_not() -> None:
    first = torch.randn(16, 32, generator=Generator().manual_seed(0))
    assert contrastive_loss(first, first, 0.1) < 0.1
    assert contrastive_loss(first, first.roll(1, 0), 0.1) > 2


def test_an_untrained_package_loads_too(tmp_path: Path) -> None:
    export_package(Detector(), Recogniser(), tmp_path)
    loaded = load_package(tmp_path)
    assert set(loaded.models) == {"detection", "recognition"}
    assert loaded.det_model.input_size == (DETECTOR_SIZE, DETECTOR_SIZE)
    assert loaded.models["recognition"].input_mean == 127.5
