"""An encoder is whatever image model transformers opens; what is unlike the rest stands apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers import AutoModel

from bases.pocket import ENCODER
from bases.pocket.draw_sample import sample_photos
from bases.pocket.train_encoder import accuracy
from subjects import Subject, add_subject
from subjects.encoders import EncoderError, ImageEncoder
from subjects.identity import likenesses_of
from tests.subjects.known_faces import make_picture
from tests.subjects.tiny_encoders import clip, dinov2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [dinov2, clip])
def test_pictures_become_vectors_of_length_one(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    encoder = ImageEncoder(make(tmp_path / "model"))
    one, other = encoder.embed(make_picture(1)), encoder.embed(make_picture(2))
    assert one.ndim == 1
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(one, encoder.embed(make_picture(1)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("config", [None, "{", '{"model_type": "nix"}', '{"model_type": "bert"}'])
def test_a_folder_without_an_encoder_is_refused(tmp_path: Path, config: str | None) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(EncoderError, match="give (one|another)"):
        ImageEncoder(tmp_path)


def unit(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float32) / np.linalg.norm(numbers)


def test_what_is_unlike_the_others_stands_apart() -> None:
    alike = [unit(1, 0.1 * i, 0) for i in range(6)]
    found, least = likenesses_of([*alike, None, unit(0, 0, 1)])
    assert found[6] is None
    assert [i for i, cosine in enumerate(found) if cosine is not None and cosine < least] == [7]


def test_alike_pictures_do_not_stand_apart() -> None:
    found, least = likenesses_of([unit(1, 0.01 * i, 0) for i in range(8)])
    assert all(cosine is not None and cosine >= least for cosine in found)


@pytest.mark.parametrize("known", [0, 1, 2])
def test_of_few_pictures_none_is_compared(known: int) -> None:
    found, _ = likenesses_of([unit(1, i) for i in range(known)] + [None] * 5)
    assert found == [None] * (known + 5)


class Colours:
    """Tells pictures apart by their mean colour."""

    def embed(self, image_HW3: np.ndarray) -> np.ndarray:
        return unit(*(image_HW3.mean((0, 1)) + 1))


def test_a_photo_of_something_else_is_marked_with_care(tmp_path: Path) -> None:
    for number in range(6):
        picture = make_picture(number).astype(float)
        picture *= (0.0, 0.0, 1.0) if number == 5 else (1.0, 0.5, 0.0)
        Image.fromarray(picture.astype(np.uint8)).save(tmp_path / f"{number}.png")
    files = sorted(tmp_path.glob("*.png"))
    subject = add_subject(
        "vase", files, home=tmp_path / "home", kind="object", consent=None, faces=None,
        encoder=Colours(), encoder_folder="/models/colours",
    )  # fmt: skip
    cares = [p.source for p in subject.audit if "hardly like the other photos" in p.reason]
    assert cares == ["5.png"]
    assert subject.audit[5].verdict == "care"
    again = Subject.load(tmp_path / "home", "vase")
    assert again.encoder == "/models/colours"
    assert again.ceiling is not None
    assert again.embeddings(Colours()).shape == (6, 3)


@pytest.mark.parametrize("kind", ["pet", "object"])
def test_pockets_encoder_finds_drawn_individuals_among_look_alikes(kind: str) -> None:
    model = AutoModel.from_pretrained(ENCODER).eval()
    assert accuracy(model, kind, batches=2) > 0.45


def test_pockets_encoder_knows_one_drawn_vase_from_another() -> None:
    (_, one), (_, other) = (sample_photos(seed, kind="object", count=3) for seed in (1, 2))
    seen = [
        ImageEncoder(ENCODER).embed(((picture + 1) * 127.5).byte().permute(1, 2, 0).numpy())
        for picture in (*one, *other)
    ]
    alike = np.stack(seen) @ np.stack(seen).T
    assert alike[0, 1:3].mean() > alike[0, 3:].mean()
