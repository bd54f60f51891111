"""A description keeps what is done and where, and leaves out who is seen."""

from __future__ import annotations

import pytest

from subjects.descriptions import without_looks


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (
            "a young woman with long brown hair standing on the beach at sunset, smiling",
            "standing on the beach at sunset, smiling",
        ),
        ("The image shows a man wearing glasses riding a bike in rain.", "riding a bike in rain"),
        ("He is walking in the forest, in soft light. His eyes are blue.", None),
        ("a close up of a dog sitting on grass with its tongue out", "sitting on grass"),
        ("a man in a red jacket", ""),
        ("a person", ""),
        ("", ""),
        ("...", ""),
        ("a woman, tall and slim, laughing", "laughing"),
        ("a crowd of people watching a game", "watching a game"),
        ("a middle-aged man, dark-skinned, standing on a beach", "standing on a beach"),
        ("the woman, red-haired, in a park", "in a park"),
        ("The woman is blue-eyed and smiles at the camera", "smiles at the camera"),
        ("a man standing on top of a mountain", "standing on a mountain"),
        ("next to a tall building", ""),
    ],
)
def test_looks_are_left_out(said: str, kept: str | None) -> None:
    expected = "walking in the forest, in soft light" if kept is None else kept
    assert without_looks(said, "person") == expected


def test_the_class_noun_is_left_out_with_what_stands_before_it() -> None:
    said = "a white porcelain vase on a wooden table, bright daylight"
    assert without_looks(said, "vase") == "on a wooden table, bright daylight"


def test_clothes_stay_where_they_are_wanted() -> None:
    said = "a woman in a red coat, walking"
    assert without_looks(said, "person") == "walking"
    assert without_looks(said, "person", clothes=True) == "in a red coat, walking"


def test_a_long_answer_is_cut() -> None:
    assert len(without_looks("walking on and on " * 40, "person").split()) <= 40
