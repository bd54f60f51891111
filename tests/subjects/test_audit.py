from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from subjects import AuditedPhoto, Limits, SubjectError
from subjects.audit import audit as audit_intake
from subjects.audit import audit_things
from subjects.intake import Intake
from tests.subjects.known_faces import KnownFaces, make_face, make_picture

Take = Callable[..., Path]


def audit(paths: list[Path], **settings: object) -> list[AuditedPhoto]:
    with Intake(paths) as intake:
        return audit_intake(intake, **settings)


def verdicts(photos: list[AuditedPhoto]) -> list[str]:
    return [photo.verdict for photo in photos]


@pytest.fixture
def good(take: Take) -> list[Path]:
    return [take(f"good{i}.png", make_face(1, seed=i), seed=i) for i in range(3)]


def test_good_photos_are_kept_and_measured(good: list[Path], finder: KnownFaces) -> None:
    photos = audit(good, faces=finder)
    assert verdicts(photos) == ["keep"] * 3
    measures = photos[0].measures
    assert (measures.width, measures.height, measures.faces) == (256, 256, 1)
    assert measures.face_width == pytest.approx(100)
    assert measures.similarity > 0.8
    assert photos[0].source == "good0.png"


def test_a_photo_without_a_face_is_dropped(
    good: list[Path], take: Take, finder: KnownFaces
) -> None:
    photo = audit([*good, take("empty.png")], faces=finder)[3]
    assert (photo.verdict, photo.reason) == ("drop", "no face was found")


def test_another_person_is_dropped(good: list[Path], take: Take, finder: KnownFaces) -> None:
    photo = audit([take("other.png", make_face(2, width=150)), *good], faces=finder)[0]
    assert photo.verdict == "drop"
    assert photo.reason.startswith("another person (similarity 0.0")


def test_a_small_face_is_dropped_or_marked(
    good: list[Path], take: Take, finder: KnownFaces
) -> None:
    tiny = take("tiny.png", make_face(1, seed=7, width=31))
    small = take("small.png", make_face(1, seed=8, width=40))
    photos = audit([*good, tiny, small], faces=finder)[3:]
    assert verdicts(photos) == ["drop", "care"]
    assert photos[0].reason == "the face is too small (31 pixels wide, at least 32 are needed)"
    assert "a small face (40 pixels wide)" in photos[1].reason


def test_a_blurred_face_is_dropped(good: list[Path], take: Take, finder: KnownFaces) -> None:
    soft = cv2.GaussianBlur(make_picture(50), (0, 0), 4)
    photo = audit([*good, take("soft.png", make_face(1, seed=7), picture=soft)], faces=finder)[3]
    assert photo.verdict == "drop"
    assert photo.reason.startswith("blurred (")


def test_several_faces_ask_for_care(good: list[Path], take: Take, finder: KnownFaces) -> None:
    pair = take("pair.png", make_face(2, width=120, left=120), make_face(1, seed=7, left=5))
    photo = audit([*good, pair], faces=finder)[3]
    assert photo.verdict == "care"
    assert photo.reason == "2 faces, the subject's is the one used"
    assert photo.measures.box[0] == 5


def test_of_near_duplicates_the_sharper_is_kept(take: Take, finder: KnownFaces) -> None:
    sharp = make_picture(60)
    soft = cv2.GaussianBlur(sharp, (0, 0), 1.2)
    first = take("soft.png", make_face(1, seed=1), picture=soft)
    second = take("sharp.png", make_face(1, seed=1), picture=sharp)
    photos = audit([first, second], faces=finder)
    assert verdicts(photos) == ["drop", "keep"]
    assert photos[0].reason == "near-duplicate of 'sharp.png', which is kept"


def test_of_near_duplicates_as_sharp_the_larger_is_kept(take: Take, finder: KnownFaces) -> None:
    half = make_face(1, seed=1, left=30, top=30, width=50)
    small = take("small.png", half, picture=make_picture(60, size=128))
    large = take("large.png", make_face(1, seed=1), picture=make_picture(60))
    assert verdicts(audit([small, large], faces=finder)) == ["drop", "keep"]


def test_pictures_alike_with_faces_unlike_are_no_duplicates(take: Take, finder: KnownFaces) -> None:
    face = make_face(1, seed=1)
    half = face.embedding + 0.9 * make_face(2).embedding
    turned = type(face)(
        face.box, face.landmarks, 0.9, (half / np.linalg.norm(half)).astype(np.float32), 0
    )
    picture = make_picture(60)
    other = picture.copy()
    other[0, 0] ^= 1
    paths = [take("a.png", face, picture=picture), take("b.png", turned, picture=other)]
    assert verdicts(audit(paths, faces=finder)) == ["keep", "keep"]


def test_an_unreadable_photo_is_dropped_among_others(
    good: list[Path], finder: KnownFaces, tmp_path: Path
) -> None:
    (tmp_path / "note.jpg").write_text("no photo")
    photo = audit([*good, tmp_path / "note.jpg"], faces=finder)[3]
    assert (photo.verdict, photo.measures) == ("drop", None)
    assert photo.reason == "not a picture; allowed are JPEG, PNG, WebP, HEIC and AVIF"


def test_a_tiny_picture_is_dropped(good: list[Path], take: Take, finder: KnownFaces) -> None:
    photo = audit([*good, take("icon.png", picture=make_picture(3, size=40))], faces=finder)[3]
    assert photo.reason == "too small (40x40, at least 64 a side is needed)"


def test_faces_of_pets_and_objects_are_not_looked_for(take: Take, finder: KnownFaces) -> None:
    sharp = make_picture(1)
    soft = cv2.GaussianBlur(make_picture(2), (0, 0), 4)
    paths = [
        take("vase.png", make_face(1), picture=sharp),
        take("soft.png", picture=soft),
        take("again.png", picture=cv2.GaussianBlur(sharp, (0, 0), 1)),
    ]
    with Intake(paths) as intake:
        photos = audit_things(intake)
    assert verdicts(photos) == ["keep", "drop", "drop"]
    assert photos[1].reason.startswith("blurred (1")
    assert photos[2].reason.startswith("near-duplicate of 'vase.png'")
    assert photos[0].measures.faces is None
    assert finder.asked == 0


def test_limits_can_be_moved(good: list[Path], finder: KnownFaces) -> None:
    photos = audit(good, faces=finder, limits=Limits(min_face=101))
    assert verdicts(photos) == ["drop"] * 3


def test_progress_is_told_after_every_photo(good: list[Path], finder: KnownFaces) -> None:
    told: list[tuple[int, int]] = []
    audit(good, faces=finder, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_name_that_is_no_unicode_is_still_reported(finder: KnownFaces, tmp_path: Path) -> None:
    path = tmp_path / b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    path.write_text("no photo")
    (photo,) = audit([path], faces=finder)
    assert photo.source == "caf\N{REPLACEMENT CHARACTER}.jpg"


def test_a_face_that_is_burnt_white_or_hardly_lit_asks_for_care(
    good: list[Path], take: Take, finder: KnownFaces
) -> None:
    white, dim = make_picture(50), make_picture(51)
    white[: white.shape[0] // 2 + 40] = 255
    dim = (dim // 24).astype(np.uint8)
    burnt = take("burnt.png", make_face(1, seed=7), picture=white)
    dark = take("dark.png", make_face(1, seed=8), picture=dim)
    photos = audit([*good, burnt, dark], faces=finder)[3:]
    assert "overexposed (" in photos[0].reason
    assert "hardly lit (a contrast of" in photos[1].reason


def test_photos_in_the_same_clothes_have_the_same_number(take: Take, finder: KnownFaces) -> None:
    paths = []
    for number, colour in enumerate([(200, 20, 20), (200, 20, 20), (20, 20, 200)]):
        picture = make_picture(number)
        picture[150:] = colour
        paths.append(take(f"{number}.png", make_face(1, seed=number), picture=picture))
    clothes = [photo.measures.clothes for photo in audit(paths, faces=finder)]
    assert clothes[0] == clothes[1] != clothes[2]


def test_a_persons_face_among_an_objects_photos_stops_and_is_not_embedded(
    take: Take, finder: KnownFaces
) -> None:
    with (
        Intake([take("vase.png"), take("who.png", make_face(1))]) as intake,
        pytest.raises(SubjectError, match=r"'who\.png' shows a person's face"),
    ):
        audit_things(intake, faces=finder)
    assert finder.asked == 0


def couple(take: Take, photos: int) -> list[Path]:
    return [
        take(
            f"both{i}.png",
            make_face(1, seed=i, left=10),
            make_face(2, seed=i, left=130, width=105),
            seed=i,
        )
        for i in range(photos)
    ]


def test_of_two_who_are_in_every_photo_one_must_be_named(take: Take, finder: KnownFaces) -> None:
    paths = couple(take, 4)
    with pytest.raises(SubjectError, match="two people are in as many photos.*--face"):
        audit(paths, faces=finder)
    alone = take("alone.png", make_face(1, seed=9), seed=9)
    photos = audit([*paths, alone], faces=finder, like="alone.png")
    assert [photo.measures.box[0] for photo in photos] == [10, 10, 10, 10, 60]
    photos = audit(paths, faces=finder, like="both2.png")
    assert [photo.measures.box[0] for photo in photos] == [130] * 4


def test_of_two_photos_of_one_name_a_path_tells_which(take: Take, finder: KnownFaces) -> None:
    first, second = take("a/1.png", make_face(1)), take("b/1.png", make_face(2))
    photos = audit([first, second], faces=finder, like=str(second))
    assert verdicts(photos) == ["drop", "keep"]
    with pytest.raises(SubjectError, match=r"2 photos are called '1\.png': give its path"):
        audit([first, second], faces=finder, like="1.png")


def test_the_photo_that_is_named_must_show_a_face(good: list[Path], finder: KnownFaces) -> None:
    with pytest.raises(SubjectError, match=r"no photo 'me\.png' shows a face; .* are: good0\.png"):
        audit(good, faces=finder, like="me.png")
