"""Adding a subject: audit the photos, caption what is kept, and put it in a folder of its own.

A subject is there as a whole or not at all; whatever can be refused is refused before a photo is
opened.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from subjects.audit import Progress, audit, audit_things
from subjects.captions import caption
from subjects.consent import GROUNDS, Consent
from subjects.drafts import built_beside, exists_error, storage_error
from subjects.encoders import Encoder
from subjects.errors import ConsentError, NoUsablePhotoError, PhotoError, SubjectError
from subjects.faces import FaceCounter, Finder
from subjects.framing import shot_of, view_in_words
from subjects.intake import MOST_PICTURES, Intake
from subjects.ledger import note
from subjects.limits import PEOPLE, Limits
from subjects.metadata import Photo
from subjects.photos import SUFFIXES
from subjects.privacy import private_folder
from subjects.records import jsonl, replace_text
from subjects.signing import check_key
from subjects.splits import HELD_OUT, split
from subjects.subject import AUDIT, KINDS, PHOTOS, Subject, folder_of, namesake
from subjects.verdicts import DROP, AuditedPhoto
from subjects.words import check_apart, class_noun_in, trigger_in, trigger_of

if TYPE_CHECKING:
    from PIL.Image import Image

Describe = Callable[["Image"], str]

_SUFFIXES = (*SUFFIXES, ".zip", ".mp4", ".mov", ".m4v", ".webm", ".mkv", ".avi")


def add_subject(
    name: str,
    paths: Sequence[Path | str],
    *,
    home: Path,
    kind: str = "person",
    consent: Consent | None,
    faces: FaceCounter | None,
    class_noun: str | None = None,
    trigger: str | None = None,
    limits: Limits = PEOPLE,
    face_package: str | None = None,
    like: str | None = None,
    held_out: int = HELD_OUT,
    describe: Describe | None = None,
    encoder: Encoder | None = None,
    encoder_folder: str | None = None,
    progress: Progress | None = None,
) -> Subject:
    """Make a subject of photos.

    Args:
        name: its name; letters, digits, "-" and "_".
        paths: photos, zip archives of photos, videos, and folders of them.
        home: where subjects live.
        kind: "person", "pet" or "object".
        consent: needed for a person before a face is measured; for pets and objects it is recorded
            that nobody is in the photos, whatever is given.
        faces: a `Finder` for a person, which needs one. With a pet or an object, a face that it
            counts is an error, for nobody agreed to be measured.
        class_noun: what kind of thing it is; the kind itself if None.
        trigger: the word that will call it; the letters of its name if None.
        limits: what a photo must reach, and where the names of shots begin; `PUPPETS` for drawn
            figures and Pocket's face package.
        face_package: by what name `faces` was opened, to be remembered with the subject.
        like: the photo whose largest face is the person's; who is in most photos if None.
        held_out: how many photos are put aside, never trained on, for clips to be measured
            against; none where there are few, see `subjects.splits`.
        describe: says what a kept photo shows beside the subject, for its caption, such as a
            `Captioner`; captions say what the audit measured if None.
        encoder: of a pet or an object, compares the photos; see `subjects.encoders`.
        encoder_folder: where it was opened, to be remembered with the subject.
        progress: told after every photo.

    Returns:
        The subject as it is stored; its `warnings` are worth showing.

    Raises:
        SubjectError: if an argument is not allowed or a path does not exist.
        ConsentError: if it is a person and there is no consent.
        NoUsablePhotoError: if every photo was dropped; says why for each.
        StorageError: if the subject exists, or its folder cannot be written; nothing is left
            behind then.
    """
    _check_words(name, kind, class_noun, trigger)
    if held_out < 0:
        raise SubjectError(f"held_out {held_out!r} does not fit: give 0 for none, or a few.")
    person = kind == "person"
    given = _checked(consent, faces) if person else Consent.today(name, kind)
    class_noun = kind if class_noun is None else class_noun_in(class_noun)
    trigger = trigger_of(name) if trigger is None else trigger_in(trigger)
    files = photo_paths(paths)
    folder = _free_place(home, name)
    check_key(home)

    with built_beside(folder) as draft, Intake(files) as intake:
        if person and isinstance(faces, Finder):
            audited = audit(intake, faces=faces, limits=limits, like=like, progress=progress)
        else:
            audited = audit_things(
                intake, faces=faces, encoder=encoder, limits=limits, progress=progress
            )
        if all(photo.verdict == DROP for photo in audited):
            raise NoUsablePhotoError([(photo.source, photo.reason) for photo in audited])
        (draft / PHOTOS).mkdir()
        audited = _store_photos(draft / PHOTOS, intake, audited)
        subject = Subject(
            folder=draft,
            name=name,
            kind=kind,
            class_noun=class_noun,
            trigger=trigger,
            consent=given.signed(name, home),
            photos=split(
                list(_captioned(draft / PHOTOS, audited, trigger, class_noun, limits, describe)),
                held_out,
            ),
            audit=tuple(audited),
            face_package=face_package if person else None,
            encoder=None if person else encoder_folder,
        )
        replace_text(draft / AUDIT, jsonl(photo.line() for photo in audited))
        subject.save()
        note(home, draft, "added", kept=len(subject.photos), given=len(audited))
    return Subject.load(home, name)


def check_new_subject(
    name: str,
    paths: Sequence[Path | str],
    *,
    home: Path,
    kind: str,
    class_noun: str | None,
    trigger: str | None,
) -> None:
    """Refuse what can be refused before anyone is asked for consent; see `add_subject`.

    Raises:
        SubjectError: if an argument is not allowed or a path does not exist.
        StorageError: if the subject exists, or its folder cannot be written.
    """
    _check_words(name, kind, class_noun, trigger)
    photo_paths(paths)
    _free_place(home, name)


def photo_paths(paths: Sequence[Path | str]) -> list[Path]:
    """Every file meant by a list of files and folders, each once, a folder's sorted by name.

    Raises:
        SubjectError: if a path does not exist, a folder cannot be read or holds no picture, or
            there are no photos or too many.
    """
    try:
        return _photo_paths([Path(path).expanduser() for path in paths])
    except (OSError, RuntimeError) as error:
        raise SubjectError(f"the photos cannot be found ({error}): check the paths.") from error


def _photo_paths(given: list[Path]) -> list[Path]:
    if missing := [path for path in given if not path.exists()]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise SubjectError(f"there is no file {str(missing[0])!r}{more}: check the path.")
    found: dict[str, Path] = {}
    for path in given:
        for photo in _pictures_in(path) if path.is_dir() else [path]:
            found.setdefault(os.path.realpath(photo), photo)
    if not 1 <= len(found) <= MOST_PICTURES:
        raise SubjectError(
            f"{len(found)} photos given: give 1 to {MOST_PICTURES}; 8 to 20 good ones are best."
        )
    return list(found.values())


def _pictures_in(folder: Path) -> list[Path]:
    pictures = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
    )
    if not pictures:
        raise SubjectError(
            f"the folder {str(folder)!r} holds no photo: it needs .jpg, .png, .webp, .heic or "
            ".avif files, a .zip of them, or videos."
        )
    return pictures


def _check_words(name: str, kind: str, class_noun: str | None, trigger: str | None) -> None:
    folder_of(Path(), name)
    if kind not in KINDS:
        raise SubjectError(f"kind {kind!r} is none of {', '.join(KINDS)}: choose one of them.")
    noun = kind if class_noun is None else class_noun_in(class_noun)
    check_apart(trigger_of(name) if trigger is None else trigger_in(trigger), noun)


def _checked(consent: Consent | None, faces: FaceCounter | None) -> Consent:
    if not isinstance(consent, Consent):
        raise ConsentError(
            f"consent is {consent!r}: a person's face is not measured without a record of whose "
            "likeness it is; answer the question, or give --consent self|authorised|synthetic."
        )
    if not isinstance(faces, Finder):
        raise SubjectError(
            f"faces is {faces!r}: a person needs a face package to be found in photos."
        )
    if consent.ground not in GROUNDS or consent.is_over:
        raise ConsentError(
            f"consent on the ground {consent.ground!r} until {consent.until}: for a person it must "
            f"be one of {', '.join(GROUNDS)}, and not be over."
        )
    return consent


def _free_place(home: Path, name: str) -> Path:
    """Where the subject will be; fails before the work rather than after it."""
    folder = folder_of(home, name)
    try:
        if (taken := namesake(home, name)) or folder.exists():
            raise exists_error(folder.with_name(taken or name))
        private_folder(private_folder(home) / folder.parent.name)
        if not os.access(folder.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "Permission denied", str(folder.parent))
    except OSError as error:
        raise storage_error(folder, error) from error
    return folder


def _store_photos(
    folder: Path, intake: Intake, audited: Sequence[AuditedPhoto]
) -> list[AuditedPhoto]:
    """Write the photos that are kept as PNG; they are decoded anew, so none had to be held."""
    stored, kept = list(audited), [i for i, photo in enumerate(audited) if photo.verdict != DROP]
    pictures = intake.pictures([intake.sources[i] for i in kept])
    for number, (index, picture) in enumerate(zip(kept, pictures, strict=True), 1):
        if isinstance(picture, PhotoError):
            raise SubjectError(f"{picture}; it changed while it was read, try again.") from picture
        name = f"{number:04d}.png"
        # Level 1 packs a 3-megapixel photo six times as fast as 6, a ninth larger.
        picture.save(folder / name, format="PNG", compress_level=1)
        stored[index] = replace(audited[index], file_name=name)
    return stored


def _captioned(
    folder: Path,
    audited: Sequence[AuditedPhoto],
    trigger: str,
    class_noun: str,
    limits: Limits,
    describe: Describe | None,
) -> Iterator[Photo]:
    for photo in audited:
        if photo.file_name and photo.measures:
            path, measures = folder / photo.file_name, photo.measures
            bare = Photo(path, "", photo.verdict, photo.reason, measures)
            text = caption(
                trigger,
                class_noun,
                shot=shot_of(measures, limits),
                view=view_in_words(measures),
                expression=measures.expression,
                description=describe(bare.open()) if describe else "",
            )
            yield replace(bare, caption=text)
