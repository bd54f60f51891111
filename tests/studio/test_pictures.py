"""A base that is shown photos of the subject is shown those, and no others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bases.licence import MINIMAX_H3, keep_answer
from bases.video import read_mp4
from finetune.adapter import Adapter
from subjects import PUPPETS, add_subject
from tests.tiny_minimax_h3 import write_tiny_minimax_h3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_minimax_h3(tmp_path_factory.mktemp("bases") / "ref", task="ref2va")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    home = tmp_path_factory.mktemp("home")
    add_subject(
        "toto", [photos], home=home, kind="object", consent=None, faces=None, limits=PUPPETS
    )
    return home


@pytest.fixture
def type_train(home: Path, folder: Path) -> tuple[object, ...]:
    keep_answer(MINIMAX_H3)
    settings = {"model.guidance_loss": 4, "data.clips": 0, "trainer.max_steps": 2, "model.rank": 2}
    more = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return ("train", "toto", "--base", folder, "--home", home, *more, "--output.force", "true")


def shown(path: Path) -> list[str]:
    """By its own record, the pictures that a clip was drawn with."""
    _, settings = read_mp4(path)
    return settings["pictures"]


def test_it_is_trained_and_rendered_with_photos_of_the_subject(
    accepted: Callable[..., str],
    refused: Callable[..., str],
    type_train: tuple[object, ...],
    home: Path,
    tmp_path: Path,
) -> None:
    accepted(*type_train)
    clips = [tmp_path / f"{number}.mp4" for number in range(3)]
    picked = [(), ("--picture", "0001.png"), ("--picture", "0003.png", "--picture", "0002.png")]
    for clip, names in zip(clips, picked, strict=True):
        accepted("render", "toto", "waving", "--home", home, "--out", clip, *names)
    assert shown(clips[0]) == shown(clips[1])
    assert len(set(shown(clips[2]) + shown(clips[0]))) == 3
    wrong = ("render", "toto", "waving", "--home", home, "--out", tmp_path / "no.mp4")
    line = refused(*wrong, "--picture", "nobody.png")
    assert "--picture 'nobody.png' is none of the photos" in line
    assert "0001.png, 0002.png" in line
    many = [part for _ in range(10) for part in ("--picture", "0001.png")]
    assert "1 to 9 pictures" in refused(*wrong, *many)


def test_that_photos_have_changed_is_said(
    accepted: Callable[..., str], type_train: tuple[object, ...], home: Path, tmp_path: Path
) -> None:
    accepted(*type_train)
    accepted("subject", "edit", "toto", "--caption", "0002.png=toto, on a table", "--home", home)
    said = accepted("render", "toto", "waving", "--home", home, "--out", tmp_path / "clip.mp4")
    assert "others than this adapter was trained on" in said


def test_the_bench_refuses_it_before_it_measures_anything(
    refused: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    keep_answer(MINIMAX_H3)
    line = refused("bench", "--quick", "--base", folder, "--out", tmp_path / "bench")
    assert "draws whom it is shown" in line
    assert not (tmp_path / "bench").exists()


def test_clips_of_others_do_not_go_with_it(
    refused: Callable[..., str], type_train: tuple[object, ...]
) -> None:
    assert "data.clips does not fit" in refused(*type_train, "--data.clips", 1)
    assert "data.pictures=99 does not fit" in refused(*type_train, "--data.pictures", 99)


def test_a_base_of_words_alone_is_shown_none(
    refused: Callable[..., str], trained: Adapter, tmp_path: Path
) -> None:
    home, out = trained.folder.parents[1], tmp_path / "no.mp4"
    render = ("render", "toto", "waving", "--home", home, "--out", out)
    assert "takes words alone" in refused(*render, "--picture", "0001.png")
