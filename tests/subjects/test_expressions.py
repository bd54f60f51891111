"""A classifier whose labels name expressions tells them; one of anything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bases.pocket import EXPRESSIONS
from bases.pocket.train_expressions import accuracy
from subjects import PEOPLE, Consent, Coverage, Subject, add_subject
from subjects.expressions import ExpressionError, ExpressiveFaces, expression_names
from tests.subjects.known_faces import KnownFaces, make_face, make_picture
from tests.subjects.tiny_encoders import vit_classifier


@pytest.fixture
def picture(finder: KnownFaces) -> np.ndarray:
    picture = make_picture(1)
    finder.know(picture, [make_face(1), make_face(2, left=20)])
    return picture


def test_every_face_says_its_expression(
    tmp_path: Path, finder: KnownFaces, picture: np.ndarray
) -> None:
    sure = vit_classifier(tmp_path / "sure", ("Neutral", "Happiness"), prefers=1)
    faces = ExpressiveFaces(finder, sure)
    assert [face.expression for face in faces.find(picture)] == ["happy", "happy"]
    assert faces.count(picture) == 2


def test_what_it_is_not_sure_of_is_left_open(
    tmp_path: Path, finder: KnownFaces, picture: np.ndarray
) -> None:
    unsure = vit_classifier(tmp_path / "unsure", ("neutral", "happy", "sad"))
    assert [face.expression for face in ExpressiveFaces(finder, unsure).find(picture)] == [None] * 2


def test_a_label_that_is_no_expression_of_ours_says_nothing(
    tmp_path: Path, finder: KnownFaces, picture: np.ndarray
) -> None:
    odd = vit_classifier(tmp_path / "odd", ("joy", "fear", "bored"), prefers=2)
    assert [face.expression for face in ExpressiveFaces(finder, odd).find(picture)] == [None] * 2


def test_labels_of_known_classifiers_are_understood() -> None:
    labels = ["Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise"]
    assert list(expression_names(dict(enumerate(labels)), "").values()) == [
        *("angry", "contemptuous", "disgusted", "afraid"),
        *("happy", "neutral", "sad", "surprised"),
    ]


@pytest.mark.parametrize("labels", [("cat", "dog"), ("happy", "joy")])
def test_a_classifier_of_something_else_is_refused(
    tmp_path: Path, finder: KnownFaces, labels: tuple[str, str]
) -> None:
    with pytest.raises(ExpressionError, match=r"which are no expressions: give a classifier"):
        ExpressiveFaces(finder, vit_classifier(tmp_path / "model", labels))


@pytest.mark.parametrize("config", [None, "{", '{"model_type": "bert"}'])
def test_a_folder_without_a_classifier_is_refused(
    tmp_path: Path, finder: KnownFaces, config: str | None
) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(ExpressionError, match="give (one|another)"):
        ExpressiveFaces(finder, tmp_path)


def test_captions_and_coverage_say_the_expression(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces, consent: Consent
) -> None:
    felt = ["happy", "happy", "happy", None]
    photos = [
        take(f"{number}.png", replace(make_face(1, seed=number), expression=expression))
        for number, expression in enumerate(felt)
    ]
    subject = add_subject("mira", photos, home=tmp_path, consent=consent, faces=finder)
    assert [photo.measures.expression for photo in subject.photos] == felt
    assert ["with a happy face" in photo.caption for photo in subject.photos] == [
        *(True, True, True, False)
    ]
    coverage = Coverage.of(subject.photos, PEOPLE)
    assert coverage.table["expression"] == {"happy": 3}
    assert "3 of 3 show the same expression: add a photo with another" in " ".join(
        coverage.advice()
    )
    again = Subject.load(tmp_path, "mira")
    assert [photo.measures.expression for photo in again.photos] == felt


def test_pockets_classifier_tells_drawn_expressions() -> None:
    from transformers import AutoModelForImageClassification

    model = AutoModelForImageClassification.from_pretrained(EXPRESSIONS).eval()
    with torch.no_grad():
        assert accuracy(model, batches=3) > 0.75
