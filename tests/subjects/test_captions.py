from __future__ import annotations

from subjects.captions import caption


def test_a_caption_names_the_shot_and_the_view() -> None:
    said = caption("mira", "person", shot="close-up", view="in profile")
    assert said == "mira, a person, close-up, in profile"


def test_without_a_face_a_caption_names_neither() -> None:
    assert caption("rex", "dog") == "rex, a dog"


def test_the_article_fits_the_noun() -> None:
    assert caption("vase", "object") == "vase, an object"
