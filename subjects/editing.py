"""Editing: captions, verdicts, the trigger word and the class noun of a subject that is there.

In an editor a person writes into a copy of `metadata.jsonl`, which takes its place once it is
understood, and waits beside it until then.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from subjects.drafts import storage_error
from subjects.errors import StorageError, SubjectError
from subjects.ledger import note
from subjects.metadata import METADATA, Photo, read_photos
from subjects.records import jsonl, read_text, replace_text
from subjects.subject import PHOTOS, Subject
from subjects.verdicts import VERDICTS
from subjects.words import check_apart, class_noun_in, trigger_in

BY_HAND = "set by hand"


def copy_to_edit(folder: Path) -> Path:
    """A copy of a subject's `metadata.jsonl` to write in, or what was not understood last time.

    Its name tells what it is a copy of, so that nothing that changed since is written over.

    Args:
        folder: the subject's.

    Raises:
        StorageError: if the lines cannot be read, the copy cannot be written, or one is left of an
            edit that no longer fits.
    """
    text = read_text(folder / PHOTOS / METADATA)
    copy = _copy_of(text, folder)
    for left in folder.glob("metadata.*.jsonl"):
        if left != copy:
            raise _outdated(left)
    try:
        if not copy.is_file():
            replace_text(copy, text)
    except OSError as error:
        raise storage_error(folder, error) from error
    return copy


def take_edited(folder: Path, copy: Path) -> bool:
    """Put such a copy in the place of `metadata.jsonl`; returns whether it said anything else.

    Args:
        folder: the subject's.
        copy: from `copy_to_edit`.

    Raises:
        StorageError: if it cannot be understood, or the lines were changed meanwhile; it then stays
            where it is, and so do they.
    """
    kept = folder / PHOTOS / METADATA
    before = read_text(kept)
    if copy != _copy_of(before, folder):
        raise _outdated(copy)
    try:
        text = copy.read_text("utf-8")
        photos = list(read_photos(folder / PHOTOS, copy)) if text != before else []
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(
            f"{str(copy)!r} cannot be read ({error}): nothing was changed. Save it there, as "
            "UTF-8, and give the same command again, or remove it to begin anew."
        ) from error
    except StorageError as error:
        raise StorageError(
            f"{error} Nothing was changed yet: give the same command again to go on where you "
            f"were, or remove {str(copy)!r} to begin anew."
        ) from error
    try:
        if photos:
            replace_text(kept, jsonl(photo.line() for photo in photos))
        copy.unlink()
    except OSError as error:
        raise storage_error(folder, error) from error
    if not photos and text != before:
        raise StorageError(
            "every line was removed, so that no photo would be left: nothing was changed."
        )
    return bool(photos)


def _copy_of(text: str, folder: Path) -> Path:
    return folder / f"metadata.{hashlib.sha256(text.encode()).hexdigest()[:8]}.jsonl"


def _outdated(copy: Path) -> StorageError:
    return StorageError(
        f"{str(copy)!r} was written in an editor, and the captions were changed otherwise since: "
        "nothing of it counts yet. Take from it what you want with --caption and --verdict, remove "
        "it, and give the same command again."
    )


def edit_subject(
    subject: Subject,
    *,
    home: Path,
    captions: Mapping[str, str] | None = None,
    verdicts: Mapping[str, str] | None = None,
    trigger: str | None = None,
    class_noun: str | None = None,
) -> Subject:
    """Change a subject, and return it as it then is; its adapters stay what they are.

    Args:
        subject: which.
        home: where it lives.
        captions: new ones, by the photo's stored name, such as "0001.png", or the name that it
            had, where no other had it.
        verdicts: "keep", "care" or "drop", likewise.
        trigger: the word that will call it; captions that begin with the old one follow.
        class_noun: what kind of thing it is; captions that name the old one follow.

    Raises:
        SubjectError: if a photo is unknown, or a word or verdict is not allowed.
        StorageError: if it cannot be written; the old files stay.
    """
    changed = replace(
        subject,
        trigger=subject.trigger if trigger is None else trigger_in(trigger),
        class_noun=subject.class_noun if class_noun is None else class_noun_in(class_noun),
    )
    if (trigger, class_noun) != (None, None):
        check_apart(changed.trigger, changed.class_noun)
    renamed = [_renamed(photo, subject, changed) for photo in subject.photos]
    photos = {photo.path.name: photo for photo in renamed}
    touched = {name: _stored(subject, name) for name in (*(captions or {}), *(verdicts or {}))}
    for name, caption in (captions or {}).items():
        stored = touched[name]
        photos[stored] = replace(photos[stored], caption=_caption(caption, name))
    for name, verdict in (verdicts or {}).items():
        stored = touched[name]
        photos[stored] = replace(photos[stored], verdict=_verdict(verdict), reason=BY_HAND)
    changed = replace(changed, photos=tuple(photos.values()))
    changed.save()
    try:
        note(home, changed.folder, "edited", photos=sorted(set(touched.values())))
    except OSError as error:
        raise StorageError(
            f"{subject.name!r} was changed, but its log cannot be written ({error})."
        ) from error
    return changed


def _renamed(photo: Photo, old: Subject, new: Subject) -> Photo:
    """The photo under the new words: "mira, a person, …" as a whole, or "mira …" alone."""
    for before, after in ((old.called, new.called), (old.trigger, new.trigger)):
        if re.match(rf"{re.escape(before)}(?!\w)", photo.caption):
            return replace(photo, caption=after + photo.caption.removeprefix(before))
    return photo


def _stored(subject: Subject, name: str) -> str:
    """The name under which a photo is stored, by that name or by its own."""
    stored = [photo.path.name for photo in subject.photos]
    if name in stored:
        return name
    own = [p.file_name for p in subject.audit if p.source == name and p.file_name in stored]
    if len(own) == 1 and own[0]:
        return own[0]
    why = f"{len(own)} stored photos were called {name!r}" if own else f"there is no photo {name!r}"
    raise SubjectError(f"{why}; stored are: {', '.join(stored)}.")


def _caption(caption: str, name: str) -> str:
    if not caption.strip():
        raise SubjectError(f"the caption of {name!r} is {caption!r}: it must say something.")
    try:
        caption.encode()
    except UnicodeEncodeError as error:
        raise SubjectError(
            f"the caption of {name!r} holds what is no text: type it anew."
        ) from error
    plain = " ".join(caption.split())
    if not plain.isprintable():
        raise SubjectError(
            f"the caption of {name!r}, {plain!r}, holds what cannot be printed: type it anew."
        )
    return plain


def _verdict(verdict: str) -> str:
    if verdict.lower() not in VERDICTS:
        raise SubjectError(
            f"verdict {verdict!r} is none of {', '.join(VERDICTS)}: choose one of them."
        )
    return verdict.lower()
