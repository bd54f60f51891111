"""Photos keep their shape, and the face stays in sight."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from finetune.buckets import RATIOS, Buckets, fit


@pytest.mark.parametrize(
    ("side", "multiple"), [(64, 16), (128, 16), (512, 16), (480, 32), (20, 16)]
)
def test_every_bucket_is_a_size_that_the_base_can_draw(side: int, multiple: int) -> None:
    buckets = Buckets(side, multiple)
    for ratio in RATIOS:
        height, width = buckets.size_of(ratio)
        assert height % multiple == width % multiple == 0
        assert min(height, width) >= multiple
        if side >= 8 * multiple:
            assert width / height == pytest.approx(ratio, rel=0.15)
            assert height * width == pytest.approx(side**2, rel=0.15)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [
        (1000, 1000, (512, 512)),
        (4000, 3000, (448, 592)),
        (3000, 4000, (592, 448)),
        (1000, 10, (384, 688)),
        (9, 16, (688, 384)),
    ],
)
def test_a_photo_goes_to_the_bucket_nearest_in_shape(
    width: int, height: int, size: tuple[int, int]
) -> None:
    assert Buckets(512, 16).nearest(width, height) == size


def test_a_base_of_one_shape_has_one_bucket() -> None:
    buckets = Buckets(64, 16, (1.0,))
    assert {buckets.nearest(w, h) for w, h in itertools.product((1, 7, 99), repeat=2)} == {(64, 64)}


def marked(size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    """A black picture with a white box."""
    picture = Image.new("RGB", size)
    ImageDraw.Draw(picture).rectangle(box, fill="white")
    return picture


@pytest.mark.parametrize("seed", range(20))
def test_a_face_stays_whole_in_sight(seed: int) -> None:
    rng = random.Random(seed)
    across, down = rng.randint(200, 400), rng.randint(200, 400)
    side = rng.randint(20, min(across, down) // 2)
    left, top = rng.randint(0, across - side - 1), rng.randint(0, down - side - 1)
    box = (left, top, left + side, top + side)
    height, width = Buckets(128, 16).size_of(rng.choice((1.0, 4 / 3, 3 / 4)))
    cut = fit(marked((across, down), box), height, width, keep=box)
    assert cut.size == (width, height)
    scale = min(across / width, down / height)
    bright = np.asarray(cut.convert("L")).astype(float).sum() / 255
    assert bright == pytest.approx((side + 1) ** 2 / scale**2, rel=0.15)


def test_no_more_is_cut_than_the_shape_asks_for() -> None:
    gradient = Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (100, 1))).convert("RGB")
    cut = np.asarray(fit(gradient, 50, 50))
    assert cut[:, 0].mean() == pytest.approx(50, abs=2)
    assert cut[:, -1].mean() == pytest.approx(149, abs=2)
    whole = np.asarray(fit(gradient, 50, 100))
    assert whole[:, 0].mean() < 2
    assert whole[:, -1].mean() > 197


def test_a_face_at_the_edge_moves_the_cut_there() -> None:
    picture = marked((200, 100), (190, 40, 199, 60))
    assert np.asarray(fit(picture, 50, 50, keep=(190, 40, 199, 60)))[20:30, -4:].mean() > 200
    assert np.asarray(fit(picture, 50, 50)).mean() < 1


@pytest.mark.parametrize(("side", "multiple"), [(512, 16), (704, 32), (768, 32)])
@pytest.mark.parametrize(
    "size", [(1920, 1080), (1080, 1920), (3840, 2160), (4160, 3120), (5184, 3456)]
)
def test_a_photo_as_cameras_make_it_fits(side: int, multiple: int, size: tuple[int, int]) -> None:
    height, width = Buckets(side, multiple).size_of(size[0] / size[1])
    assert fit(Image.new("RGB", size), height, width).size == (width, height)
    corner = (size[0] - 9, size[1] - 9, *size)
    assert fit(Image.new("RGB", size), height, width, keep=corner).size == (width, height)
