"""Typical photos of larger sets are put aside, and neither trained on nor forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from subjects import Measures, Photo, SubjectError
from subjects.splits import FEWEST_TO_SPLIT, split


def photos(*likenesses: float | None, care: tuple[int, ...] = ()) -> list[Photo]:
    return [
        Photo(
            Path(f"{number:04d}.png"),
            "mira, a person",
            "care" if number in care else "keep",
            "good",
            Measures(100, 100, similarity=likeness),
        )
        for number, likeness in enumerate(likenesses)
    ]


TEN = (0.1, 0.2, 0.3, 0.4, 0.5, 0.52, 0.6, 0.7, 0.8, 0.9)


def aside(given: list[Photo], *count: int) -> list[str]:
    return [photo.path.stem for photo in split(given, *count) if photo.held_out]


def test_the_most_typical_are_put_aside() -> None:
    assert aside(photos(*TEN)) == ["0004", "0005"]


def test_the_order_stays() -> None:
    given = photos(*TEN)
    assert [photo.path for photo in split(given)] == [photo.path for photo in given]


@pytest.mark.parametrize("given", [photos(*TEN[1:]), photos(*TEN[1:], None), []])
def test_of_few_faces_none_is_spared(given: list[Photo]) -> None:
    assert len(given) <= FEWEST_TO_SPLIT
    assert aside(given) == []


def test_photos_to_be_used_with_care_do_not_measure() -> None:
    assert aside(photos(*TEN, care=(4,))) == ["0005", "0006"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_as_many_as_asked_for(count: int) -> None:
    assert len(aside(photos(*TEN), count)) == count


def test_some_must_be_left_to_learn_from() -> None:
    assert len(aside(photos(*TEN), 4)) == 4
    with pytest.raises(SubjectError, match="5 photos to hold out of 10: at most 4, so that 6"):
        split(photos(*TEN), 5)
