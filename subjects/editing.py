"""Editing: captions, verdicts, the trigger word and the class noun of a subject that is there.

In an editor a person writes into a copy of `metadata.jsonl`, which takes its place once it is
understood, and waits beside it until then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from subjects.drafts import storage_error
from subjects.errors import StorageError, SubjectError
from subjects.ledger import note
from subjects.metadata import METADATA, Photo, read_photos
from subjects.records import jsonl, replace_text
from subjects.subject import PHOTOS, Subject
from subjects.verdicts import VERDICTS
from subjects.words import check_apart, class_noun_in, trigger_in

BY_HAND = "set by hand"
EDITED = "metadata.edited.jsonl"


def copy_to_edit(folder: Path) -> Path:
    """A copy of a subject's `metadata.jsonl` to write in.

    It is the one that was not understood last time, unless the lines themselves are newer.

    Args:
        folder: the subject's.

    Raises:
        StorageError: if it cannot be written.
    """
    copy, kept = folder / EDITED, folder / PHOTOS / METADATA
    try:
        if not copy.is_file() or copy.stat().st_mtime_ns < kept.stat().st_mtime_ns:
            replace_text(copy, kept.read_text("utf-8", "replace"))
    except OSError as error:
        raise storage_error(folder, error) from error
    return copy


def take_edited(folder: Path) -> bool:
    """Put such a copy in the place of `metadata.jsonl`; returns whether it said anything else.

    Args:
        folder: the subject's.

    Raises:
        StorageError: if it cannot be understood; it then stays where it is, and so does the old.
    """
    copy, kept = folder / EDITED, folder / PHOTOS / METADATA
    try:
        photos = list(read_photos(folder / PHOTOS, copy))
    except StorageError as error:
        raise StorageError(
            f"{error} Nothing was changed yet: give the same command again to go on where you "
            f"were, or remove {str(copy)!r} to begin anew."
        ) from error
    try:
        if not photos:
            copy.unlink()
            raise StorageError(
                "every line was removed, so that no photo would be left: nothing was changed."
            )
        before, lines = kept.read_text("utf-8", "replace"), jsonl(p.line() for p in photos)
        replace_text(kept, lines)
        copy.unlink()
    except OSError as error:
        raise storage_error(folder, error) from error
    return lines != before


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
    return " ".join(caption.split())


def _verdict(verdict: str) -> str:
    if verdict.lower() not in VERDICTS:
        raise SubjectError(
            f"verdict {verdict!r} is none of {', '.join(VERDICTS)}: choose one of them."
        )
    return verdict.lower()
