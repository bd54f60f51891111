from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from subjects import Consent, Subject, add_subject
from subjects.contact_sheet import write_sheet
from tests.subjects.known_faces import KnownFaces, make_face


@pytest.fixture
def mira(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces, consent: Consent
) -> Subject:
    paths = [take(f"{i}.png", make_face(1, seed=i), seed=i) for i in range(3)]
    paths.append(take("nobody.png"))
    return add_subject("mira", paths, home=tmp_path, consent=consent, faces=finder)


def test_the_page_shows_every_photo_and_why_others_are_not_there(
    mira: Subject, finder: KnownFaces
) -> None:
    page, picture = write_sheet(mira, finder)
    said = page.read_text()
    assert said.count("data:image/jpeg;base64,") == 3
    assert "nobody.png</td><td>no face was found" in said
    assert said.count("<circle") == 3
    assert said.count(">1.00</td>") == 3
    with Image.open(picture) as drawn:
        assert drawn.size == (3 * 210 + 10, 278)


def test_what_a_person_wrote_is_shown_as_text(mira: Subject, finder: KnownFaces) -> None:
    sly = replace(mira.photos[0], caption="<script>alert(1)</script>")
    page, _ = write_sheet(replace(mira, photos=(sly, *mira.photos[1:])), finder)
    assert "<script>" not in page.read_text()
    assert "&lt;script&gt;" in page.read_text()


def test_an_object_is_shown_without_faces(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces
) -> None:
    path = take("vase.png", make_face(1))
    vase = add_subject("vase", [path], home=tmp_path, kind="object", consent=None, faces=None)
    page, _ = write_sheet(vase, None)
    assert "How like each other" not in page.read_text()
    assert finder.asked == 0
