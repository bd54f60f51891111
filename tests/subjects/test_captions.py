from __future__ import annotations

import pytest

from subjects import PUPPETS
from subjects.captions import caption


@pytest.mark.parametrize(
    ("share", "yaw", "text"),
    [
        (0.40, 3, "mira, a person, close-up, facing the camera"),
        (0.20, -24.9, "mira, a person, medium shot, facing the camera"),
        (0.14, 25, "mira, a person, wide shot, three-quarter view"),
        (0.14, -60, "mira, a person, wide shot, in profile"),
    ],
)
def test_a_caption_names_the_shot_and_the_view(share: float, yaw: float, text: str) -> None:
    assert caption("mira", "person", face_share=share, yaw=yaw) == text


def test_without_a_face_a_caption_names_neither() -> None:
    assert caption("rex", "dog") == "rex, a dog"


def test_the_article_fits_the_noun() -> None:
    assert caption("vase", "object") == "vase, an object"


@pytest.mark.parametrize(
    ("share", "shot"), [(0.51, "close-up"), (0.40, "medium shot"), (0.30, "wide shot")]
)
def test_figures_with_big_heads_have_shots_of_their_own(share: float, shot: str) -> None:
    assert caption("mira", "person", face_share=share, limits=PUPPETS) == f"mira, a person, {shot}"
