from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from subjects import Consent, Subject, SubjectError, add_subject, edit_subject, log_of
from tests.subjects.known_faces import KnownFaces, make_face


@pytest.fixture
def mira(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces, consent: Consent
) -> Subject:
    paths = [take(f"{i}.png", make_face(1, seed=i), seed=i) for i in range(3)]
    return add_subject("mira", paths, home=tmp_path, consent=consent, faces=finder)


def test_captions_and_verdicts_are_changed_and_logged(tmp_path: Path, mira: Subject) -> None:
    edit_subject(
        mira,
        home=tmp_path,
        captions={"0001.png": "mira, a person,\n in the rain"},
        verdicts={"0002.png": "drop"},
    )
    now = Subject.load(tmp_path, "mira")
    assert now.photos[0].caption == "mira, a person, in the rain"
    assert [photo.path.name for photo in now.kept] == ["0001.png", "0003.png"]
    assert now.verdicts[1].reason == "set by hand"
    assert log_of(now.folder)[-1]["details"] == {"photos": ["0001.png", "0002.png"]}


def test_captions_follow_another_trigger_and_noun(tmp_path: Path, mira: Subject) -> None:
    edit_subject(mira, home=tmp_path, captions={"0002.png": "a crowd"})
    now = Subject.load(tmp_path, "mira")
    edit_subject(now, home=tmp_path, trigger="zora", class_noun="old woman")
    now = Subject.load(tmp_path, "mira")
    assert now.called == "zora, an old woman"
    assert now.photos[0].caption == "zora, an old woman, close-up, facing the camera"
    assert now.photos[1].caption == "a crowd"


def test_a_caption_in_ones_own_words_follows_another_trigger(tmp_path: Path, mira: Subject) -> None:
    own = {"0001.png": "mira's hat", "0002.png": "mira walking", "0003.png": "miracle"}
    edit_subject(mira, home=tmp_path, captions=own)
    edit_subject(Subject.load(tmp_path, "mira"), home=tmp_path, trigger="zora")
    said = [photo.caption for photo in Subject.load(tmp_path, "mira").photos]
    assert said == ["zora's hat", "zora walking", "miracle"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"captions": {"0009.png": "x"}}, "no photo '0009.png'; stored are: 0001.png"),
        ({"captions": {"0001.png": "  "}}, "the caption of '0001.png' is '  '"),
        ({"verdicts": {"0001.png": "fine"}}, "'fine' is none of keep, care, drop"),
        ({"trigger": "mira2"}, "letters alone"),
        ({"class_noun": "p3rson"}, "a word or two of letters"),
    ],
)
def test_what_is_not_allowed_changes_nothing(
    tmp_path: Path, mira: Subject, change: dict[str, object], said: str
) -> None:
    with pytest.raises(SubjectError, match=said):
        edit_subject(mira, home=tmp_path, **change)
    assert Subject.load(tmp_path, "mira") == mira


def test_a_photo_goes_by_the_name_that_it_had_too(tmp_path: Path, mira: Subject) -> None:
    edit_subject(mira, home=tmp_path, verdicts={"0.png": "drop"}, captions={"0003.png": "rain"})
    now = Subject.load(tmp_path, "mira")
    assert [photo.verdict for photo in now.photos] == ["drop", "keep", "keep"]
    assert log_of(now.folder)[-1]["details"] == {"photos": ["0001.png", "0003.png"]}


def test_a_name_that_two_photos_had_is_not_enough(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces, consent: Consent
) -> None:
    one = take("one/a.png", make_face(1, seed=1), seed=1)
    other = take("other/a.png", make_face(1, seed=2), seed=2)
    zora = add_subject("zora", [one, other], home=tmp_path, consent=consent, faces=finder)
    with pytest.raises(SubjectError, match=r"2 stored photos were called 'a\.png'; stored are"):
        edit_subject(zora, home=tmp_path, verdicts={"a.png": "drop"})


def test_a_caption_that_does_not_call_the_subject_is_warned_of(
    tmp_path: Path, mira: Subject
) -> None:
    assert edit_subject(mira, home=tmp_path, captions={"0001.png": "mira in rain"}).warnings == ()
    (warning,) = edit_subject(mira, home=tmp_path, captions={"0002.png": "a mirage"}).warnings
    assert "captions of 0002.png do not have the word 'mira'" in warning


def test_a_trigger_that_names_all_of_a_kind_is_refused(tmp_path: Path, mira: Subject) -> None:
    for words in ({"trigger": "person"}, {"class_noun": "mira"}):
        with pytest.raises(SubjectError, match="cannot be the word that calls the subject"):
            edit_subject(mira, home=tmp_path, **words)
    assert Subject.load(tmp_path, "mira") == mira
