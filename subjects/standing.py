"""Where each photo stands: the audit, with what a person or a disk has changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from subjects.metadata import METADATA, Photo
from subjects.verdicts import DROP, AuditedPhoto

UNREADABLE = "unreadable"


def standing(
    audit: Sequence[AuditedPhoto], photos: Sequence[Photo], faults: Mapping[str, str]
) -> list[AuditedPhoto]:
    """The verdicts that count now.

    Args:
        audit: the verdicts when the subject was added.
        photos: what `metadata.jsonl` says of those that were stored.
        faults: what is wrong with a photo's file, by its name.
    """
    stored = {photo.path.name: photo for photo in photos}
    now = [_now(old, stored, faults) if old.file_name else old for old in audit]
    audited = {old.file_name for old in audit}
    added = [_added(photo) for name, photo in stored.items() if name not in audited]
    return [*now, *(_now(photo, stored, faults) for photo in added)]


def _now(old: AuditedPhoto, stored: Mapping[str, Photo], faults: Mapping[str, str]) -> AuditedPhoto:
    name = old.file_name or ""
    photo = stored.get(name)
    if photo is None:
        return replace(old, verdict=DROP, reason=f"its line is gone from {METADATA}")
    if name in faults:
        reason = f"{faults[name]}; remove its line from {METADATA}, or add the subject anew"
        return replace(old, verdict=UNREADABLE, reason=reason)
    if photo.verdict == old.verdict:
        return old
    reason = f"set in {METADATA}" if photo.reason == old.reason else photo.reason
    return replace(old, verdict=photo.verdict, reason=reason)


def _added(photo: Photo) -> AuditedPhoto:
    name = photo.path.name
    return AuditedPhoto(name, photo.verdict, photo.reason, photo.measures, file_name=name)
