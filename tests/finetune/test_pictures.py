"""A base that sees pictures is shown other photos of the subject than the one it learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bases.family import PICTURE
from bases.licence import MINIMAX_H3, keep_answer
from bases.minimax_h3_references import MiniMaxH3References
from finetune.data import SubjectData
from finetune.errors import TrainingError
from finetune.examples import Prompt
from tests.tiny_minimax_h3 import write_tiny_minimax_h3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_minimax_h3(tmp_path_factory.mktemp("bases") / "ref", task="ref2va")


@pytest.fixture
def make(home: Path, folder: Path) -> Callable[..., SubjectData]:
    """Prepares the data of 'toto'."""
    keep_answer(MINIMAX_H3)

    def prepare(**settings: Any) -> SubjectData:
        chosen = {"photos": 2, "clips": 0, "ratios": (1.0,), "side": 32, **settings}
        data = SubjectData("toto", home, base=str(folder), **chosen)
        data.prepare_data()
        return data

    return prepare


@pytest.mark.parametrize("flip", [False, True])
def test_each_photo_comes_with_others(make: Callable[..., SubjectData], flip: bool) -> None:
    data = make(pictures=2, flip=flip)
    photos, views = len(data.subject.learnt), 1 + flip
    assert len(data.material.shown) == photos
    assert len(data.material.photos) == views * photos
    for index, example in enumerate(data.material.photos):
        assert len(set(example.photos)) == 2
        assert index // views not in example.photos
        assert set(example.photos) < set(range(photos))


def test_its_conditions_are_those_of_the_pictures_too(make: Callable[..., SubjectData]) -> None:
    data = make(pictures=2, dropout=0.0)
    (batch,) = data.batches_at(0)
    for row, caption in enumerate(batch.captions):
        latents = batch.latents[row]
        (shown,) = [e.photos for e in data.material.photos if torch.equal(e.latents, latents)]
        for number, photo in enumerate(shown):
            assert batch.conditions[row][f"{PICTURE}{number}"] is data.material.shown[photo]
        for text, said in ((caption, batch.conditions[row]), ("", batch.unprompted[row])):
            words = data.material.embeddings[Prompt(text, shown)]["encoder_hidden_states"]
            assert said["encoder_hidden_states"] is words


def test_what_is_shown_is_encoded_once(
    make: Callable[..., SubjectData], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make()
    monkeypatch.delattr(MiniMaxH3References, "encode_picture")
    again = make()
    assert all(map(torch.equal, first.material.shown, again.material.shown))


@pytest.mark.parametrize("wanted", [0, 9, 10])
def test_as_many_pictures_as_there_are_other_photos(
    make: Callable[..., SubjectData], wanted: int
) -> None:
    with pytest.raises(TrainingError, match=rf"pictures.*{wanted}"):
        make(pictures=wanted)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("data.clips", {"clips": 1}),
        ("model.prior_weight", {"others": True}),
        ("data.surroundings", {"surroundings": True}),
        ("data.relit", {"relit": True}),
    ],
)
def test_what_wants_a_prompt_about_somebody_else_is_refused(
    make: Callable[..., SubjectData], name: str, more: dict[str, Any]
) -> None:
    with pytest.raises(TrainingError, match=f"{name} does not fit"):
        make(**more)
