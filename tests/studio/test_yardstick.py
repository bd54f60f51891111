"""Likeness is measured with the subject's own face package, and said in one line."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import studio.yardstick
from inference.likeness import Likeness
from studio.yardstick import Yardstick, likeness_line


def test_likeness_is_said_beside_its_ceiling_with_the_worst_frame() -> None:
    found = Likeness(median=0.81, p10=0.72, worst=0.7, worst_frame=12, detected=1.0)
    assert likeness_line(found, 0.97, 17) == (
        "Likeness 0.81 of a ceiling of 0.97 (median over 17 frames), worst frame 0.70 (frame 12)"
    )
    assert likeness_line(found, None, 17).startswith("Likeness 0.81 (median over 17 frames)")


def test_frames_without_a_face_are_told_apart() -> None:
    one = Likeness(median=0.5, p10=0.5, worst=0.5, worst_frame=2, detected=1 / 17)
    assert "(median over 1 of 17 frames)" in likeness_line(one, 0.97, 17)


def test_a_clip_without_a_face_has_no_worst_frame() -> None:
    none = Likeness(median=0.0, p10=0.0, worst=0.0, worst_frame=None, detected=0.0)
    line = likeness_line(none, 0.97, 17)
    assert "no face was found" in line
    assert "None" not in line


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
        face_package=remembered,
        learnt=(),
        held_out=(),
        face_embeddings=lambda *_: np.zeros((0, 512), np.float32),
    )
    Yardstick(subject, given)  # type: ignore[arg-type]
    assert asked == [opened]


def test_a_clip_is_measured_against_photos_that_were_not_learnt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learnt, aside = np.eye(512, dtype=np.float32)[:2], np.eye(512, dtype=np.float32)[1:2]
    face = SimpleNamespace(embedding=aside[0])
    finder = SimpleNamespace(find=lambda _: [face])
    monkeypatch.setattr(studio.yardstick, "face_finder", lambda _: finder)
    subject = SimpleNamespace(
        face_package="pocket",
        learnt="learnt",
        held_out="aside",
        face_embeddings=lambda _, photos: {"learnt": learnt, "aside": aside}[photos],
    )
    yardstick = Yardstick(subject, None)  # type: ignore[arg-type]
    assert yardstick.likeness(np.zeros((3, 8, 8, 3), np.uint8)).median == pytest.approx(1.0)
    assert yardstick.ceiling == pytest.approx(0.5)
