from __future__ import annotations

import itertools

import pytest

from subjects.captions import caption, is_described
from subjects.expressions import NAMES
from subjects.framing import SHOTS, VIEWS_IN_WORDS


def test_a_caption_names_the_shot_and_the_view() -> None:
    said = caption("mira", "person", shot="close-up", view="in profile")
    assert said == "mira, a person, close-up, in profile"


def test_without_a_face_a_caption_names_neither() -> None:
    assert caption("rex", "dog") == "rex, a dog"


def test_the_article_fits_the_noun() -> None:
    assert caption("vase", "object") == "vase, an object"


def test_what_an_audit_measures_is_no_description() -> None:
    told = itertools.product((None, *SHOTS), (None, *VIEWS_IN_WORDS), (None, *NAMES))
    for shot, view, expression in told:
        said = caption("mira", "person", shot=shot, view=view, expression=expression)
        assert not is_described(said, "mira, a person")


@pytest.mark.parametrize("own", ["in a kitchen, warm light", "standing on a sandy beach at sunset"])
def test_what_somebody_wrote_is_a_description(own: str) -> None:
    said = caption("mira", "person", shot="close-up", view="in profile", description=own)
    assert is_described(said, "mira, a person")
    assert is_described(f"our mira, {own}", "mira, a person")
