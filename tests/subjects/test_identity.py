from __future__ import annotations

import numpy as np
import pytest

from subjects.identity import choose_person
from tests.subjects.known_faces import make_face

SAME = 0.35


def chosen(photos: list[list]) -> list[int | None]:
    choices = choose_person(photos, same_person=SAME)
    return [choice.face if choice and choice.same else None for choice in choices]


def test_the_person_in_most_photos_is_chosen() -> None:
    photos = [[make_face(1, seed=i)] for i in range(5)]
    photos[1:1] = [[make_face(2, seed=i, width=200)] for i in range(3)]
    assert chosen(photos) == [0, None, None, None, 0, 0, 0, 0]


def test_the_persons_face_is_chosen_among_larger_ones() -> None:
    photos = [[make_face(9, width=200), make_face(1, seed=0)], [make_face(1, seed=1)]]
    photos += [[make_face(8), make_face(1, seed=2)]]
    assert chosen(photos) == [1, 0, 1]


def test_of_two_people_in_as_many_photos_the_larger_faces_win() -> None:
    small = [[make_face(1, seed=i, width=60)] for i in range(3)]
    large = [[make_face(2, seed=i, width=90)] for i in range(3)]
    assert chosen(small + large) == [None, None, None, 0, 0, 0]


def test_two_who_are_always_together_are_told_apart() -> None:
    photos = [[make_face(1, seed=i, width=60), make_face(2, seed=i, width=90)] for i in range(4)]
    assert chosen(photos) == [1, 1, 1, 1]


def test_the_same_person_twice_in_a_photo_counts_once() -> None:
    mirror = [make_face(2, seed=i, width=200) for i in range(5)]
    photos = [mirror, [make_face(1, seed=0)], [make_face(1, seed=1)]]
    assert chosen(photos) == [None, 0, 0]


def test_photos_without_faces_get_no_choice() -> None:
    assert choose_person([[], []], same_person=SAME) == [None, None]
    assert choose_person([[], [make_face(1)]], same_person=SAME)[0] is None


def test_a_single_photo_shows_the_subject() -> None:
    (choice,) = choose_person([[make_face(1)]], same_person=SAME)
    assert choice.same
    assert choice.similarity == 1


def test_similarity_leaves_the_photo_itself_out() -> None:
    photos = [[make_face(1, seed=i)] for i in range(3)]
    first = choose_person(photos, same_person=SAME)[0]
    mean = photos[1][0].embedding + photos[2][0].embedding
    expected = photos[0][0].embedding @ mean / np.linalg.norm(mean)
    assert first.similarity == pytest.approx(expected, abs=1e-5)
