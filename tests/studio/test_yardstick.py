"""Likeness is measured with the subject's own face package, and said in one line."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import studio.onlookers
from inference.likeness import Likeness
from studio.home import StudioError
from studio.yardstick import Yardstick, likeness_line, turned_away, yardstick_of


def test_likeness_is_said_beside_its_ceiling_with_the_worst_frame() -> None:
    found = Likeness(median=0.81, p10=0.72, worst=0.7, worst_frame=12, detected=1.0)
    assert likeness_line(found, 0.97, 17) == (
        "Likeness 0.81 of a ceiling of 0.97 (median over 17 frames), worst frame 0.70 (frame 12)"
    )
    assert likeness_line(found, None, 17).startswith("Likeness 0.81 (median over 17 frames)")


def test_frames_without_a_face_are_told_apart() -> None:
    one = Likeness(median=0.5, p10=0.5, worst=0.5, worst_frame=2, detected=1 / 17)
    assert "(median over 1 of 17 frames)" in likeness_line(one, 0.97, 17)


@pytest.mark.parametrize(("frames", "advised"), [(0, True), (8, True), (9, False), (17, False)])
def test_where_few_frames_show_a_face_a_prompt_that_asks_for_it_is_advised(
    frames: int, advised: bool
) -> None:
    found = Likeness(median=0.5, p10=0.5, worst=0.5, worst_frame=2, detected=frames / 17)
    assert ("'facing the camera'" in (turned_away(found) or "")) == advised


def test_a_clip_without_a_face_has_no_worst_frame() -> None:
    none = Likeness(median=0.0, p10=0.0, worst=0.0, worst_frame=None, detected=0.0)
    line = likeness_line(none, 0.97, 17)
    assert "no face was found in the 17 frames" in line
    assert "None" not in line


def test_photos_without_a_face_are_not_blamed_on_the_clip() -> None:
    none = Likeness(median=0.0, p10=0.0, worst=0.0, worst_frame=None, detected=1.0)
    assert likeness_line(none, None, 17) == (
        "Likeness not measured: no face was found in the photos."
    )


@pytest.mark.parametrize(
    ("given", "remembered", "opened"),
    [("a", "b", "a"), (None, "b", "b"), (None, None, "pocket"), ("", "b", "")],
)
def test_the_package_given_comes_before_the_subjects_own(
    monkeypatch: pytest.MonkeyPatch, given: str | None, remembered: str | None, opened: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(studio.yardstick, "face_finder", asked.append)
    subject = SimpleNamespace(
        kind="person",
        face_package=remembered,
        learnt=(),
        held_out=(),
        face_embeddings=lambda *_: np.zeros((0, 512), np.float32),
    )
    yardstick_of(subject, given)  # type: ignore[arg-type]
    assert asked == [opened]


def test_what_is_no_person_has_no_face_package(capsys: pytest.CaptureFixture[str]) -> None:
    toy = SimpleNamespace(kind="object", name="toto", encoder=None)
    with pytest.raises(StudioError, match="--faces 'pocket' measures people, and 'toto'"):
        yardstick_of(toy, "pocket")  # type: ignore[arg-type]
    assert yardstick_of(toy, None) is None  # type: ignore[arg-type]
    assert "'toto' was added without an --encoder" in capsys.readouterr().out


def test_a_clip_is_measured_against_photos_that_were_not_learnt() -> None:
    axes = np.eye(3, dtype=np.float32)
    yardstick = Yardstick(lambda frames: [axes[1]] * len(frames), axes[:2], axes[1:2])
    assert yardstick.likeness(np.zeros((3, 8, 8, 3), np.uint8)).median == pytest.approx(1.0)
    assert yardstick.ceiling == pytest.approx(0.5)


def test_of_few_photos_all_are_compared() -> None:
    axes = np.eye(3, dtype=np.float32)
    yardstick = Yardstick(lambda frames: [axes[0]] * len(frames), axes[[0, 0]], axes[:0])
    assert yardstick.likeness(np.zeros((3, 8, 8, 3), np.uint8)).median == pytest.approx(1.0)
    assert yardstick.ceiling == pytest.approx(1.0)


def test_a_thing_is_measured_where_an_encoder_compares_it(monkeypatch: pytest.MonkeyPatch) -> None:
    vase = SimpleNamespace(
        kind="object",
        name="vase",
        encoder="/models/dinov2",
        learnt=(),
        held_out=(),
        embeddings=lambda *_: np.eye(3, dtype=np.float32)[:2],
    )
    opened: list[str] = []

    class Grey:
        def __init__(self, folder: str) -> None:
            opened.append(folder)

        def embed(self, _: np.ndarray) -> np.ndarray:
            return np.eye(3, dtype=np.float32)[0]

    monkeypatch.setattr(studio.onlookers, "image_encoder", Grey)
    yardstick = yardstick_of(vase, None)  # type: ignore[arg-type]
    assert yardstick is not None
    assert opened == ["/models/dinov2"]
    assert yardstick.likeness(np.zeros((3, 8, 8, 3), np.uint8)).detected == 1.0
    vase.encoder = None
    assert yardstick_of(vase, None) is None  # type: ignore[arg-type]
