"""Models on the machine compare and describe photos, where a command names their folders."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from bases.pocket import SAMPLE
from studio.onlookers import Onlookers
from subjects import Subject
from tests.subjects.tiny_captioners import blip
from tests.subjects.tiny_encoders import dinov2


@pytest.mark.filterwarnings("ignore")
def test_models_on_the_machine_compare_and_describe_photos(
    accepted: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    home = tmp_path / "home"
    encoder, captioner = dinov2(tmp_path / "dinov2"), blip(tmp_path / "blip")
    shown = accepted(
        *("subject", "add", "toto", photos, "--kind", "object", "--home", home),
        *("--encoder", encoder, "--captioner", captioner),
    )
    assert "Likeness among the photos" in shown
    subject = Subject.load(home, "toto")
    assert subject.encoder == str(encoder)
    assert all(photo.measures.similarity is not None for photo in subject.photos)
    assert all(photo.caption.count(", ") > 1 for photo in subject.photos)


def test_pockets_own_encoder_goes_by_name_and_compares_on_the_sheet(
    accepted: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    accepted(
        *("subject", "add", "toto", photos, "--kind", "object", "--home", tmp_path),
        *("--encoder", "pocket"),
    )
    subject = Subject.load(tmp_path, "toto")
    assert subject.encoder == "pocket"
    assert all(photo.measures.similarity is not None for photo in subject.photos)
    accepted("subject", "show", "toto", "--sheet", "--home", tmp_path)
    assert "How like each other they are" in (subject.folder / "sheet.html").read_text()


@pytest.mark.filterwarnings("ignore")
def test_an_encoder_that_is_gone_is_done_without(
    accepted: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    encoder = dinov2(tmp_path / "dinov2")
    home = tmp_path / "home"
    accepted(
        *("subject", "add", "toto", photos, "--kind", "object", "--home", home),
        *("--encoder", encoder),
    )
    shutil.rmtree(encoder)
    said = accepted("subject", "show", "toto", "--sheet", "--home", home)
    assert "Note: nothing compares its photos and clips" in said


@pytest.mark.parametrize("option", ["--encoder", "--captioner"])
def test_a_folder_without_a_model_is_refused_before_anything_is_stored(
    refused: Callable[..., str], tmp_path: Path, photos: Path, option: str
) -> None:
    home = tmp_path / "home"
    line = refused(
        "subject", "add", "toto", photos, "--kind", "pet", "--home", home, option, photos
    )
    assert "holds no config.json" in line
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_a_pet_with_a_person_is_refused_until_somebody_says_that_it_is_none(
    accepted: Callable[..., str], refused: Callable[..., str], tmp_path: Path
) -> None:
    path, home = tmp_path / "astronaut.png", tmp_path / "home"
    Image.fromarray(skimage.data.astronaut()).save(path)
    given = ("subject", "add", "tom", path, "--kind", "pet", "--home", home)
    assert "shows a person's face" in refused(*given)
    accepted(*given, "--nobody")
    assert "leave it out" in refused("subject", "add", "mira", path, "--nobody", "--home", home)


def test_where_it_is_said_that_nobody_is_there_no_package_looks() -> None:
    assert Onlookers(faces="buffalo_l", nobody=True).finder("pet") is None


def test_a_person_is_not_compared_by_an_encoder(
    refused: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    line = refused("subject", "add", "mira", photos, "--encoder", photos, "--home", tmp_path)
    assert "--encoder compares pets and objects" in line


def test_the_demos_photos_show_more_than_one_expression(
    accepted: Callable[..., str], tmp_path: Path
) -> None:
    accepted("subject", "add", "mira", SAMPLE, "--consent", "synthetic", "--home", tmp_path)
    shown = {photo.measures.expression for photo in Subject.load(tmp_path, "mira").photos}
    assert {"neutral", "happy"} <= shown


@pytest.mark.parametrize(
    ("kind", "line"), [("person", "holds no config.json"), ("pet", "is for a person's face")]
)
def test_expressions_want_a_classifier_and_a_face(
    refused: Callable[..., str], tmp_path: Path, photos: Path, kind: str, line: str
) -> None:
    said = refused(
        *("subject", "add", "mira", photos, "--kind", kind, "--consent", "synthetic"),
        *("--expressions", photos, "--home", tmp_path),
    )
    assert line in said


def test_clothes_are_named_by_a_captioner_alone(
    refused: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    given = ("subject", "add", "toto", photos, "--kind", "pet", "--home", tmp_path)
    assert "--captioner says: leave it out" in refused(*given, "--caption-clothes")


def test_without_the_face_package_what_is_no_person_can_be_added(
    refused: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    given = ("subject", "add", "mira", photos, "--consent", "self", "--home", tmp_path)
    assert "What is no person needs none: add it with --kind pet or --kind object" in refused(
        *given, "--faces", "not_there"
    )
