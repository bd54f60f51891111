from __future__ import annotations

import pytest

from subjects import PEOPLE, PUPPETS, Measures
from subjects.framing import shot_of, view_in_words, view_of


def measured(share: float = 0.5, yaw: float | None = 0.0) -> Measures:
    return Measures(100, 100, yaw=yaw, face_height=None if yaw is None else 100 * share)


@pytest.mark.parametrize(
    ("yaw", "view", "words"),
    [
        (3, "front", "facing the camera"),
        (-24.9, "front", "facing the camera"),
        (25, "right", "three-quarter view"),
        (-59.9, "left", "three-quarter view"),
        (-60, "left profile", "in profile"),
    ],
)
def test_a_caption_and_the_coverage_see_the_same_view(yaw: float, view: str, words: str) -> None:
    assert (view_of(measured(yaw=yaw)), view_in_words(measured(yaw=yaw))) == (view, words)


@pytest.mark.parametrize(
    ("share", "shot"), [(0.40, "close-up"), (0.20, "medium shot"), (0.14, "wide shot")]
)
def test_the_shot_is_told_by_the_face(share: float, shot: str) -> None:
    assert shot_of(measured(share), PEOPLE) == shot


@pytest.mark.parametrize(
    ("share", "shot"), [(0.51, "close-up"), (0.40, "medium shot"), (0.30, "wide shot")]
)
def test_figures_with_big_heads_have_shots_of_their_own(share: float, shot: str) -> None:
    assert shot_of(measured(share), PUPPETS) == shot


def test_without_a_face_there_is_neither() -> None:
    faceless = measured(yaw=None)
    assert (view_of(faceless), view_in_words(faceless), shot_of(faceless, PEOPLE)) == (None,) * 3
