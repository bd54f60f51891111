from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from subjects import (
    Consent,
    ConsentError,
    NoUsablePhotoError,
    StorageError,
    Subject,
    SubjectError,
    add_subject,
    photo_paths,
    problems,
    subject_names,
)
from tests.subjects.known_faces import KnownFaces, make_face, make_picture

Add = Callable[..., Subject]
Take = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def add(home: Path, finder: KnownFaces, consent: Consent) -> Add:
    def added(name: str, paths: list[Path], **options: Any) -> Subject:
        return add_subject(
            name, paths, **{"home": home, "consent": consent, "faces": finder, **options}
        )

    return added


@pytest.fixture
def photos(take: Take) -> list[Path]:
    """Three good photos of one person, one of another, a blurred one and a doubled one."""
    good = [take(f"good{i}.png", make_face(1, seed=i, yaw=35 * i), seed=i) for i in range(3)]
    soft = cv2.GaussianBlur(make_picture(50), (0, 0), 4)
    again = make_picture(1).copy()
    again[0, 0] ^= 1
    return [
        *good,
        take("other.png", make_face(2), seed=20),
        take("soft.png", make_face(1, seed=7), picture=soft),
        take("again.png", make_face(1, seed=1), picture=again),
    ]


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_subject_is_stored_and_loads_as_it_was(
    add: Add, home: Path, photos: list[Path], consent: Consent
) -> None:
    subject = add("mira", photos)
    assert subject == Subject.load(home, "mira")
    assert (subject.name, subject.kind, subject.trigger) == ("mira", "person", "mira")
    assert subject.consent == replace(
        consent, key=subject.consent.key, signature=subject.consent.signature
    )
    assert subject.consent.is_signed_for("mira")
    assert [photo.path.name for photo in subject.kept] == ["0001.png", "0002.png", "0003.png"]
    assert subject.photos[0].caption == "mira, a person, close-up, facing the camera"
    assert subject.photos[2].caption == "mira, a person, close-up, in profile"
    assert np.array_equal(np.asarray(subject.photos[1].open()), make_picture(1))
    assert subject.warnings == ()
    assert subject_names(home) == ["mira"]


def test_every_photo_given_has_its_verdict_in_the_audit(add: Add, photos: list[Path]) -> None:
    audit = add("mira", photos).audit
    assert [photo.source for photo in audit] == [path.name for path in photos]
    assert [photo.verdict for photo in audit] == ["keep"] * 3 + ["drop"] * 3
    assert [photo.file_name for photo in audit[2:4]] == ["0003.png", None]
    assert audit[3].reason.startswith("another person")


def test_dropped_photos_and_the_paths_of_all_are_not_stored(
    add: Add, photos: list[Path], tmp_path: Path
) -> None:
    folder = add("mira", photos).folder
    assert everything_in(folder) == [
        "audit.jsonl",
        "log.jsonl",
        "photos",
        "photos/0001.png",
        "photos/0002.png",
        "photos/0003.png",
        "photos/metadata.jsonl",
        "subject.yaml",
    ]
    texts = [folder / "audit.jsonl", folder / "subject.yaml", folder / "photos/metadata.jsonl"]
    assert not any(str(tmp_path) in text.read_text() for text in texts)


def test_the_folder_is_private(add: Add, photos: list[Path]) -> None:
    assert stat.S_IMODE(add("mira", photos).folder.stat().st_mode) == 0o700


def test_huggingface_datasets_loads_the_photos_with_their_captions(
    add: Add, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = add("mira", photos)
    script = textwrap.dedent(f"""
        import datasets, json
        rows = datasets.load_dataset("imagefolder", data_dir={str(subject.folder / "photos")!r},
                                     cache_dir={str(tmp_path / "cache")!r}, split="train")
        print(json.dumps([[row["image"].size, row["caption"], row["measures"]["faces"]]
                          for row in rows]))
    """)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    rows = json.loads(done.stdout.splitlines()[-1])
    assert rows == [[[256, 256], photo.caption, 1] for photo in subject.photos]


def test_a_pet_needs_neither_consent_nor_faces(add: Add, photos: list[Path]) -> None:
    subject = add("rex-2", photos[:3], kind="pet", class_noun="dog", consent=None, faces=None)
    assert subject.consent.ground == "pet"
    assert [photo.caption for photo in subject.photos] == ["rextwo, a dog"] * 3


def test_a_person_without_consent_is_not_looked_at(
    add: Add, photos: list[Path], finder: KnownFaces, home: Path
) -> None:
    with pytest.raises(ConsentError, match=r"--consent self\|authorised\|synthetic"):
        add("mira", photos, consent=None)
    assert finder.asked == 0
    assert not home.exists()


def test_a_person_without_a_face_package_is_refused(add: Add, photos: list[Path]) -> None:
    with pytest.raises(SubjectError, match="needs a face package"):
        add("mira", photos, faces=None)


@pytest.mark.parametrize("name", ["mi/ra", "../mira", "", "2mira", ".mira", "mi ra", "m" * 65])
def test_a_name_that_cannot_be_a_folders_is_refused(
    add: Add, photos: list[Path], home: Path, name: str
) -> None:
    with pytest.raises(SubjectError, match="cannot be a subject's name"):
        add(name, photos)
    assert not home.exists()


def test_a_subject_that_exists_is_left_alone(add: Add, photos: list[Path]) -> None:
    folder = add("mira", photos).folder
    before = everything_in(folder)
    with pytest.raises(StorageError, match="'mira' exists already"):
        add("mira", photos[:1])
    with pytest.raises(StorageError, match="'mira' exists already"):
        add("MIRA", photos)
    assert everything_in(folder) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "car"}, "kind 'car' is none of person, pet, object"),
        ({"class_noun": "a man, tall"}, "class noun 'a man, tall'"),
        ({"class_noun": " "}, "class noun ' '"),
        ({"trigger": "mira2"}, "trigger 'mira2'"),
        ({"trigger": "Person"}, "'Person' cannot be the word that calls the subject"),
        ({"trigger": "a"}, "'a' cannot be the word"),
        ({"trigger": "old", "class_noun": "old woman"}, "say it of every old woman"),
    ],
)
def test_an_argument_that_is_not_allowed_is_named(
    add: Add, photos: list[Path], options: dict[str, str], message: str
) -> None:
    with pytest.raises(SubjectError, match=message):
        add("mira", photos, **options)


def test_a_path_that_does_not_exist_stops_before_any_work(
    add: Add, photos: list[Path], finder: KnownFaces, home: Path
) -> None:
    with pytest.raises(SubjectError, match=r"there is no file '.*gone\.jpg'"):
        add("mira", [*photos, Path("gone.jpg")])
    assert finder.asked == 0
    assert not home.exists()


def test_no_usable_photo_tells_why_for_each(add: Add, take: Take, home: Path) -> None:
    text = take("note.jpg")
    text.write_text("no photo")
    with pytest.raises(NoUsablePhotoError) as caught:
        add("mira", [take("empty.png"), text])
    assert str(caught.value) == (
        "none of 2 photos can be used: 'empty.png': no face was found; 'note.jpg': not a picture; "
        "allowed are JPEG, PNG, WebP, HEIC and AVIF. "
        "Add sharp photos that show the subject large enough."
    )
    assert subject_names(home) == []
    assert everything_in(home / "subjects") == []


def test_one_photo_works_and_warns(add: Add, photos: list[Path]) -> None:
    subject = add("mira", photos[:1])
    assert len(subject.kept) == 1
    assert subject.warnings[0].startswith("1 of 1 photos of 'mira' can be used")


def test_an_unreadable_photo_does_not_stop_the_others(
    add: Add, photos: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "cut.png").write_bytes(photos[0].read_bytes()[:500])
    subject = add("mira", [*photos[:2], tmp_path / "cut.png"])
    assert [photo.verdict for photo in subject.audit] == ["keep", "keep", "drop"]
    assert subject.audit[2].reason.startswith("damaged or cut short")


@pytest.mark.parametrize("fails_at", ["0002.png", "metadata", "subject.yaml"])
def test_a_full_disk_leaves_nothing_behind(
    add: Add, photos: list[Path], home: Path, monkeypatch: pytest.MonkeyPatch, fails_at: str
) -> None:
    def full(method: Callable[..., Any]) -> Callable[..., Any]:
        def write(*arguments: Any, **options: Any) -> Any:
            if any(fails_at in str(given) for given in arguments):
                raise OSError(errno.ENOSPC, "No space left on device")
            return method(*arguments, **options)

        return write

    monkeypatch.setattr(Image.Image, "save", full(Image.Image.save))
    monkeypatch.setattr(os, "open", full(os.open))
    with pytest.raises(StorageError, match="No space left on device"):
        add("mira", photos)
    assert everything_in(home / "subjects") == []


def test_a_home_that_cannot_be_made_is_named_before_the_work(
    add: Add, photos: list[Path], finder: KnownFaces, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="Not a directory"):
        add("mira", photos, home=tmp_path / "file" / "home")
    assert finder.asked == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from PIL import Image
from subjects import add_subject

save = Image.Image.save
def fatal(self, path, **options):
    save(self, path, **options)
    if Path(path).name == "0002.png":
        os.kill(os.getpid(), signal.SIGKILL)
Image.Image.save = fatal
add_subject("mira", sys.argv[2:], home=Path(sys.argv[1]), kind="pet", consent=None, faces=None)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_in_the_middle_there_is_no_subject_and_the_next_try_works(
    add: Add, photos: list[Path], home: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(home), *map(str, photos[:3])]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    assert subject_names(home) == []
    assert not (home / "subjects/mira").exists()
    assert len(add("mira", photos[:3]).kept) == 3


def test_of_two_runs_of_one_name_the_first_to_begin_wins(
    add: Add, photos: list[Path], home: Path
) -> None:
    refused: list[str] = []

    def begin_another(done: int, total: int) -> None:
        if done == total:
            with pytest.raises(StorageError, match="'mira' is being added .* by another") as why:
                add("mira", photos[:2])
            refused.append(str(why.value))

    add("mira", photos[:1], progress=begin_another)
    assert refused
    assert len(Subject.load(home, "mira").kept) == 1
    assert [path.name for path in (home / "subjects").iterdir()] == ["mira"]
    assert problems(home) == []


def test_a_folder_that_appears_while_the_draft_is_filled_is_left_alone(
    add: Add, photos: list[Path], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Image.Image.save

    def save_after_another(self: Image.Image, path: Path, **options: Any) -> None:
        monkeypatch.undo()
        (home / "subjects" / "mira").mkdir()
        (home / "subjects" / "mira" / "mine.txt").touch()
        save(self, path, **options)

    monkeypatch.setattr(Image.Image, "save", save_after_another)
    with pytest.raises(StorageError, match="'mira' exists already"):
        add("mira", photos[:1])
    assert [path.name for path in (home / "subjects").rglob("*")] == ["mira", "mine.txt"]


def test_a_link_that_loops_is_one_bad_photo_among_others(
    add: Add, photos: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "photos" / "loop.png").symlink_to("loop.png")
    verdicts = {photo.source: photo for photo in add("mira", [photos[0].parent]).audit}
    assert verdicts["good0.png"].verdict == "keep"
    assert verdicts["loop.png"].verdict == "drop"
    assert "Too many levels of symbolic links" in verdicts["loop.png"].reason


def test_the_face_package_is_remembered_for_a_person_alone(
    add: Add, photos: list[Path], home: Path
) -> None:
    assert add("mira", photos[:1], face_package="buffalo_l").face_package == "buffalo_l"
    assert Subject.load(home, "mira").face_package == "buffalo_l"
    rex = add("rex", photos[:1], kind="pet", faces=None, face_package="buffalo_l")
    assert rex.face_package is None


def test_a_folder_means_the_pictures_in_it(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "phone.heic", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    names = [path.name for path in photo_paths([tmp_path, tmp_path / "a.png"])]
    assert names == ["a.png", "b.JPG", "phone.heic"]


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="holds no photo"):
        photo_paths([tmp_path])


def test_no_path_at_all_is_an_error() -> None:
    with pytest.raises(SubjectError, match="0 photos given"):
        photo_paths([])


def test_a_path_that_the_system_refuses_is_an_error_too() -> None:
    with pytest.raises(SubjectError, match="the photos cannot be found"):
        photo_paths(["a" * 5000])


def test_two_of_ten_photos_are_put_aside_and_remembered(add: Add, take: Take, home: Path) -> None:
    ten = [take(f"good{i}.png", make_face(1, seed=i, yaw=7 * i), seed=i) for i in range(10)]
    subject = add("mira", ten)
    assert len(subject.kept) == 10
    assert len(subject.learnt) == 8
    again = Subject.load(home, "mira")
    assert again.held_out == subject.held_out
    assert not {photo.path for photo in again.held_out} & {photo.path for photo in again.learnt}
    assert len(add("nova", ten, held_out=0).learnt) == 10


def test_a_number_below_none_cannot_be_held_out(add: Add, photos: list[Path]) -> None:
    with pytest.raises(SubjectError, match="held_out -1"):
        add("mira", photos, held_out=-1)


def test_captions_end_with_what_is_described(add: Add, photos: list[Path]) -> None:
    seen: list[tuple[int, int]] = []

    def describe(picture: Image.Image) -> str:
        seen.append(picture.size)
        return "walking in the rain"

    subject = add("mira", photos, describe=describe)
    assert len(seen) == len(subject.photos) == 3
    assert all(photo.caption.endswith(", walking in the rain") for photo in subject.photos)
    assert all(photo.caption.startswith("mira, a person, ") for photo in subject.photos)
