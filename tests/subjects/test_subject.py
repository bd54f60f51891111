from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from subjects import Consent, ConsentError, StorageError, Subject, SubjectError, add_subject
from tests.full_disk import full_disk
from tests.subjects.known_faces import KnownFaces, make_face


@pytest.fixture
def subject(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces, consent: Consent
) -> Subject:
    paths = [take(f"{i}.png", make_face(1, seed=i), seed=i) for i in range(2)]
    return add_subject("mira", paths, home=tmp_path, consent=consent, faces=finder)


@pytest.fixture
def metadata(subject: Subject) -> Path:
    return subject.folder / "photos" / "metadata.jsonl"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_captions_and_verdicts_are_edited_by_hand(
    tmp_path: Path, subject: Subject, metadata: Path
) -> None:
    edit(metadata, subject.photos[0].caption, "mira, a person, in the rain — 雨")
    edit(metadata, '"reason": "good", ', "")
    text = "\ufeff" + metadata.read_text().replace('"keep"', '"drop"', 2).replace(
        '"drop"', '"keep"', 1
    )
    metadata.write_text(text + "\n\n", encoding="utf-8")
    again = Subject.load(tmp_path, "mira")
    assert again.photos[0].caption == "mira, a person, in the rain — 雨"
    assert [photo.verdict for photo in again.photos] == ["keep", "drop"]
    assert again.kept == again.photos[:1]
    assert again.warnings


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"file_name": "0002.png"', '"file_name": 0002.png"', "not JSON"),
        ('"file_name": "0002.png"', '"file_name": "0009.png"', "'0009.png' is no photo"),
        ('"file_name": "0002.png"', '"file_name": "../../subject.yaml"', "is no photo"),
        ('"file_name": "0002.png"', '"name": "0002.png"', "file_name None is no photo"),
    ],
)
def test_a_line_that_cannot_be_understood_is_named_by_its_number(
    tmp_path: Path, metadata: Path, old: str, new: str, problem: str
) -> None:
    edit(metadata, old, new)
    with pytest.raises(StorageError, match=f"metadata.jsonl', line 2: .*{problem}"):
        Subject.load(tmp_path, "mira")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('["0001.png"]', "is no JSON object"),
        ('{"file_name": "0001.png", "caption": "", "verdict": "keep"}', "caption '' must be"),
        ('{"file_name": "0001.png", "caption": "x", "verdict": "ok"}', "'ok' is none of keep"),
        ('{"file_name": "0001.png", "caption": "x", "verdict": "keep"}', "measures are missing"),
        (
            '{"file_name": "0001.png", "caption": "x", "verdict": "keep", "measures": {"box": 1}}',
            "cannot be understood",
        ),
        ("[" * 100_000, "is not JSON that can be read"),
        ("9" * 5000, "is not JSON that can be read"),
    ],
)
def test_a_line_with_wrong_values_says_what_is_allowed(
    tmp_path: Path, metadata: Path, line: str, problem: str
) -> None:
    metadata.write_text(line + "\n")
    with pytest.raises(StorageError, match=f"line 1: .*{problem}"):
        Subject.load(tmp_path, "mira")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"width": 256', '"width": "x"'),
        ('"width": 256', '"width": true'),
        ('"width": 256', '"width": 1' + "0" * 400),
        ('"box": [', '"box": [NaN, '),
        ('"yaw": ', '"yaw": Infinity, "was": '),
    ],
)
def test_measures_that_are_no_numbers_are_named_by_their_line(
    tmp_path: Path, metadata: Path, old: str, new: str
) -> None:
    edit(metadata, old, new)
    with pytest.raises(StorageError, match=r"line 1: measures .* cannot be understood"):
        Subject.load(tmp_path, "mira")


def test_a_photo_on_two_lines_is_refused(tmp_path: Path, metadata: Path) -> None:
    metadata.write_text(metadata.read_text() * 2)
    with pytest.raises(StorageError, match=r"line 3: file_name '0001.png' is on line 1 already"):
        Subject.load(tmp_path, "mira")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"source": "0.png"', '"source": 5', "source 5 must be"),
        ('"file_name": "0001.png"', '"file_name": 7', "file_name 7 must be"),
        ('"verdict": "keep"', '"verdict": ["keep"]', r"verdict \['keep'\] is none of"),
    ],
)
def test_an_audit_of_wrong_types_is_named_by_its_line(
    tmp_path: Path, subject: Subject, old: str, new: str, problem: str
) -> None:
    edit(subject.folder / "audit.jsonl", old, new)
    with pytest.raises(StorageError, match=f"audit.jsonl', line 1: {problem}"):
        Subject.load(tmp_path, "mira")


def test_verdicts_are_those_that_were_edited(
    tmp_path: Path, subject: Subject, metadata: Path
) -> None:
    edit(metadata, '"keep"', '"drop"')
    shown = Subject.load(tmp_path, "mira").verdicts
    assert [(photo.verdict, photo.reason) for photo in shown] == [
        ("drop", "set in metadata.jsonl"),
        ("keep", "good"),
    ]


def test_a_photo_without_its_line_is_dropped_and_one_by_hand_is_listed(
    tmp_path: Path, subject: Subject, metadata: Path
) -> None:
    subject.photos[0].path.rename(subject.photos[0].path.with_name("mine.png"))
    edit(metadata, "0001.png", "mine.png")
    shown = Subject.load(tmp_path, "mira").verdicts
    assert [(photo.source, photo.verdict) for photo in shown] == [
        ("0.png", "drop"),
        ("1.png", "keep"),
        ("mine.png", "keep"),
    ]


def test_a_subject_whose_photos_are_all_dropped_is_not_ready(subject: Subject) -> None:
    dropped = replace(
        subject, photos=tuple(replace(photo, verdict="drop") for photo in subject.photos)
    )
    assert subject.is_ready
    assert not dropped.is_ready
    assert "no photo of 'mira' is kept" in dropped.warnings[0]


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_stored_photo_that_was_cut_short_is_unreadable(subject: Subject, share: float) -> None:
    path = subject.photos[0].path
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert [photo.verdict for photo in subject.verdicts] == ["unreadable", "keep"]
    assert "remove its line from metadata.jsonl" in subject.verdicts[0].reason
    assert not subject.is_ready
    assert "0001.png cannot be read" in subject.warnings[0]


def test_a_record_without_a_face_package_loads_and_unknown_entries_do_no_harm(
    tmp_path: Path, subject: Subject
) -> None:
    path = subject.folder / "subject.yaml"
    path.write_text(path.read_text().replace("faces: null", "colour: red"))
    assert Subject.load(tmp_path, "mira").face_package is None


def test_saving_writes_what_was_changed(tmp_path: Path, subject: Subject) -> None:
    photos = (replace(subject.photos[0], caption="mira, a person, at sea"), *subject.photos[1:])
    replace(subject, photos=photos, trigger="mirabel").save()
    again = Subject.load(tmp_path, "mira")
    assert again.trigger == "mirabel"
    assert again.photos == photos


def test_a_full_disk_keeps_the_old_files(tmp_path: Path, subject: Subject) -> None:
    with full_disk(5), pytest.raises(StorageError, match="File too large"):
        replace(subject, trigger="mirabel").save()
    assert Subject.load(tmp_path, "mira") == subject
    assert not list(subject.folder.rglob("*.part"))


def test_an_unknown_subject_is_answered_with_those_there_are(
    tmp_path: Path, subject: Subject
) -> None:
    with pytest.raises(StorageError, match="no subject 'tom'; known are: mira"):
        Subject.load(tmp_path, "tom")
    with pytest.raises(SubjectError, match="cannot be a subject's name"):
        Subject.load(tmp_path, "../mira")


@pytest.mark.parametrize("answer", [None, "yes", {"whose": "Mira"}, {"who": "Mira"}])
def test_a_person_does_not_load_without_consent(
    tmp_path: Path, subject: Subject, answer: object
) -> None:
    record = yaml.safe_load((subject.folder / "subject.yaml").read_text())
    record["consent"] = answer
    (subject.folder / "subject.yaml").write_text(yaml.safe_dump(record))
    with pytest.raises(ConsentError):
        Subject.load(tmp_path, "mira")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "is not YAML"),
        ("- mira", "must hold"),
        ("kind: car", "kind 'car' is none of"),
        ("kind: pet", "class_noun is None"),
        ("kind: pet\nclass_noun: cat\ntrigger: tom\nfaces: 5", "faces is 5"),
        ("[" * 5000, "is not YAML"),
        ("day: 2025-13-45", "is not YAML"),
        ("noun: !!bool maybe", "is not YAML"),
    ],
)
def test_a_damaged_record_is_named(
    tmp_path: Path, subject: Subject, text: str, problem: str
) -> None:
    (subject.folder / "subject.yaml").write_text(text)
    with pytest.raises(StorageError, match=problem) as caught:
        Subject.load(tmp_path, "mira")
    assert "\n" not in str(caught.value)


def test_a_photo_that_vanished_under_way_is_named(subject: Subject) -> None:
    subject.photos[0].path.unlink()
    with pytest.raises(StorageError, match=r"0001\.png' cannot be read"):
        subject.photos[0].open()


def test_the_subjects_own_face_is_embedded_where_others_are_larger(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces, consent: Consent
) -> None:
    own = [make_face(1, seed=i, left=10) for i in range(2)]
    paths = [take("alone.png", own[0], seed=0)]
    paths += [take("pair.png", make_face(2, left=120, width=130), own[1], seed=1)]
    subject = add_subject("ann", paths, home=tmp_path, consent=consent, faces=finder)
    expected = np.stack([face.embedding for face in own])
    np.testing.assert_array_equal(subject.face_embeddings(finder), expected)
    dropped = replace(subject.photos[0], verdict="drop")
    fewer = replace(subject, photos=(dropped, *subject.photos[1:]))
    np.testing.assert_array_equal(fewer.face_embeddings(finder), expected[1:])


def test_an_object_has_no_face_to_embed(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces
) -> None:
    path = take("vase.png", make_face(1))
    vase = add_subject("vase", [path], home=tmp_path, kind="object", consent=None, faces=None)
    assert vase.face_embeddings(finder).shape == (0, 512)
    assert finder.asked == 0


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [("whose: Mira", "whose:", "say whose likeness"), ("synthetic", "stolen", "stolen")],
)
def test_a_consent_that_says_nothing_is_named_with_its_file(
    tmp_path: Path, subject: Subject, old: str, new: str, problem: str
) -> None:
    record = subject.folder / "subject.yaml"
    assert old in record.read_text()
    edit(record, old, new)
    with pytest.raises(ConsentError, match=f"subject.yaml.*{problem}"):
        Subject.load(tmp_path, "mira")


def test_a_person_does_not_become_an_object_by_hand(tmp_path: Path, subject: Subject) -> None:
    record = subject.folder / "subject.yaml"
    record.write_text(record.read_text().replace("kind: person", "kind: object"))
    with pytest.raises(ConsentError, match="'synthetic', which is none of a object's"):
        Subject.load(tmp_path, "mira", after_consent=True)


def test_a_trigger_that_could_steer_a_terminal_is_refused(tmp_path: Path, subject: Subject) -> None:
    record = subject.folder / "subject.yaml"
    record.write_text(record.read_text().replace("trigger: mira", 'trigger: "a\\eb"'))
    with pytest.raises(StorageError, match="letters alone"):
        Subject.load(tmp_path, "mira")


def test_yaml_that_refers_to_itself_is_refused_at_once(tmp_path: Path, subject: Subject) -> None:
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
    )
    (subject.folder / "subject.yaml").write_text(bomb + "kind: *a9\n")
    with pytest.raises(StorageError, match="which is not allowed"):
        Subject.load(tmp_path, "mira")
