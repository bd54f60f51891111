"""A subject: a folder of photos, what they show, and the consent to use them.

    <home>/subjects/<name>/
        subject.yaml            name, kind, class noun, trigger, consent, face package
        audit.jsonl             the verdict on every photo that was given, kept or not
        log.jsonl               what was done to it; see `subjects.ledger`
        photos/0001.png ...     the photos that were kept
        photos/metadata.jsonl   one line a photo: its caption, to be edited by hand
        cache/                  the photos as bases see them, made anew where they are missing

`datasets.load_dataset("imagefolder", data_dir="<home>/subjects/<name>/photos")` reads the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subjects.captions import with_article
from subjects.consent import NO_PERSON, Consent
from subjects.coverage import Coverage
from subjects.drafts import storage_error
from subjects.encoders import Encoder
from subjects.errors import ConsentError, StorageError, SubjectError, UnknownSubjectError
from subjects.faces import Finder
from subjects.ledger import note
from subjects.limits import limits_for
from subjects.metadata import METADATA, Photo, read_audit, read_photos
from subjects.records import jsonl, read_yaml, replace_text
from subjects.standing import standing
from subjects.verdicts import DROP, AuditedPhoto
from subjects.words import class_noun_in, trigger_in

if TYPE_CHECKING:
    from numpy.typing import NDArray

KINDS = ("person", "pet", "object")
AUDIT, PHOTOS, RECORD = "audit.jsonl", "photos", "subject.yaml"

_LEGAL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Subject:
    """Someone or something to put in a video.

    Attributes:
        folder: where it lives.
        name: also the folder's name.
        kind: one of `KINDS`.
        class_noun: what kind of thing it is, for captions: "person", "dog", ...
        trigger: the word that calls it.
        consent: on what ground its likeness is used, and until when.
        photos: what is stored, in the order of `metadata.jsonl`.
        audit: the verdict on every photo that was given, in the order in which it was.
        face_package: the name or folder of the face package that measured the photos; None for
            pets and objects, and where it was not recorded.
        encoder: of a pet or an object, the folder of the image encoder that compared the photos,
            if one did.
    """

    folder: Path
    name: str
    kind: str
    class_noun: str
    trigger: str
    consent: Consent
    photos: tuple[Photo, ...]
    audit: tuple[AuditedPhoto, ...]
    face_package: str | None = None
    encoder: str | None = None

    @property
    def kept(self) -> tuple[Photo, ...]:
        """The photos to use: all but those that a person has marked "drop"."""
        return tuple(photo for photo in self.photos if photo.verdict != DROP)

    @property
    def learnt(self) -> tuple[Photo, ...]:
        """Of the kept photos those to learn from."""
        return tuple(photo for photo in self.kept if not photo.held_out)

    @property
    def held_out(self) -> tuple[Photo, ...]:
        """Of the kept photos those that are never trained on, to measure clips against."""
        return tuple(photo for photo in self.kept if photo.held_out)

    def face_embeddings(
        self, faces: Finder, photos: Sequence[Photo] | None = None
    ) -> NDArray[np.float32]:
        """The subject's face in each of the photos, (N, 512), each of length one.

        They are computed anew each time and never stored. N is less than the number of photos
        where `faces` does not find one, and 0 for pets and objects.

        Args:
            faces: finds them.
            photos: which; all the kept ones if None.
        """
        found = [photo.face(faces) for photo in (self.kept if photos is None else photos)]
        embeddings = [face.embedding for face in found if face is not None]
        return np.stack(embeddings) if embeddings else np.zeros((0, 512), dtype=np.float32)

    def embeddings(
        self, encoder: Encoder, photos: Sequence[Photo] | None = None
    ) -> NDArray[np.float32]:
        """A pet or an object in each of the photos, (N, D), each of length one; never stored.

        Args:
            encoder: sees them.
            photos: which; all the kept ones if None.
        """
        chosen = self.kept if photos is None else photos
        found = [encoder.embed(np.asarray(photo.open())) for photo in chosen]
        return np.stack(found) if found else np.zeros((0, 1), dtype=np.float32)

    @property
    def called(self) -> str:
        """How prompts call it, as its captions do: "mira, a person"."""
        return f"{self.trigger}, {with_article(self.class_noun)}"

    @property
    def coverage(self) -> Coverage:
        """What the kept photos show, and what they lack."""
        return Coverage.of(self.kept, limits_for(self.face_package))

    @property
    def ceiling(self) -> float | None:
        """Median likeness of each kept photo to the others, as it was audited; None of a single."""
        found = [photo.measures.similarity for photo in self.kept]
        known = [similarity for similarity in found if similarity is not None]
        return float(np.median(known)) if len(known) > 1 else None

    @property
    def consent_fault(self) -> str | None:
        """Why its consent does not hold, and what to do; None if it does."""
        if (flaw := self.consent_flaw) is None:
            return None
        return (
            f"{flaw}: answer the question with 'starring subject consent {self.name}', or delete "
            f"it with 'starring subject delete {self.name}'."
        )

    @property
    def consent_flaw(self) -> str | None:
        """Why its consent does not hold; None if it does."""
        if not self.consent.is_signed_for(self.name):
            return f"the consent to use {self.name!r} is not as it was signed"
        if self.consent.is_over:
            return f"the consent to use {self.name!r} ended on {self.consent.until}"
        return None

    @cached_property
    def faults(self) -> dict[str, str]:
        """What is wrong with the files of the kept photos that cannot be read, by their names."""
        found = ((photo.path.name, photo.fault()) for photo in self.kept)
        return {name: fault for name, fault in found if fault}

    @property
    def verdicts(self) -> list[AuditedPhoto]:
        """The audit with what was edited since; a photo that cannot be read is "unreadable"."""
        return standing(self.audit, self.photos, self.faults)

    @property
    def is_ready(self) -> bool:
        """Whether an adapter can be trained on it."""
        return bool(self.learnt) and not self.faults and self.consent_fault is None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its owner should know before training, one line each."""
        if fault := self.consent_fault:
            return (fault,)
        if not self.learnt:
            return (
                f"no photo of {self.name!r} is kept, so that there is nothing to learn from; set "
                f"verdicts to 'keep' in {str(self.folder / PHOTOS / METADATA)!r}, or add the "
                "subject anew with other photos.",
            )
        if self.faults:
            return (
                f"{', '.join(self.faults)} cannot be read, and training would stop there; remove "
                f"such lines from {str(self.folder / PHOTOS / METADATA)!r}, or add the subject "
                "anew.",
            )
        return tuple(self._cares())

    def _cares(self) -> Iterator[str]:
        if len(self.kept) == 1:
            yield (
                f"1 of {len(self.verdicts)} photos of {self.name!r} can be used, so that videos "
                "will copy it; add the subject anew with photos in other views and places."
            )
        silent = [p.path.name for p in self.learnt if self.trigger not in _words(p.caption)]
        if silent:
            yield (
                f"the captions of {', '.join(silent)} do not have the word {self.trigger!r}, so "
                "that it will not call what they show; put it in front of each."
            )

    @classmethod
    def load(cls, home: Path, name: str, *, after_consent: bool = False) -> Subject:
        """Read a subject, with whatever a person has edited in it.

        Args:
            home: where subjects live.
            name: the subject's.
            after_consent: whether to read it even where the consent to use it is over or was
                changed, to show or renew it.

        Raises:
            SubjectError: if `name` cannot be a subject's name.
            StorageError: if there is no such subject, or one of its files cannot be understood;
                says which line.
            ConsentError: if there is no record of consent, it was changed, or it is over.
        """
        folder = folder_of(home, name)
        if not (folder / RECORD).is_file():
            if folder.exists():
                raise StorageError(
                    f"{str(folder)!r} lacks {RECORD}, without which it is no subject: put that "
                    f"file back, or remove the folder and add {name!r} anew."
                )
            known = ", ".join(subject_names(home)) or "none yet"
            raise UnknownSubjectError(
                f"there is no subject {name!r}; known are: {known}. "
                f"Add it with 'starring subject add {name} PHOTOS'."
            )
        subject = cls.read(folder, name)
        if subject.consent_fault and not after_consent:
            raise ConsentError(subject.consent_fault)
        return subject

    @classmethod
    def read(cls, folder: Path, name: str) -> Subject:
        """Read the subject of that name in a folder, whatever its consent says; see `load`."""
        path = folder / RECORD
        record = read_yaml(path)
        kind = _text_in(record, "kind", path)
        if kind not in KINDS:
            raise StorageError(f"{str(path)!r}: kind {kind!r} is none of {', '.join(KINDS)}.")
        return cls(
            folder=folder,
            name=name,
            kind=kind,
            class_noun=_word_in(record, "class_noun", path, class_noun_in),
            trigger=_word_in(record, "trigger", path, trigger_in),
            face_package=_text_in(record, "faces", path) if record.get("faces") else None,
            encoder=_text_in(record, "encoder", path) if record.get("encoder") else None,
            consent=_consent_in(record, path),
            photos=tuple(read_photos(folder / PHOTOS)),
            audit=tuple(read_audit(folder / AUDIT)),
        )

    def renew(self, consent: Consent, home: Path) -> Subject:
        """Record another answer to the question of consent, and return the subject under it.

        Raises:
            StorageError: if it cannot be written.
        """
        try:
            renewed = replace(self, consent=consent.signed(self.name, home))
            renewed.save()
            note(home, self.folder, "consent", ground=consent.ground, until=consent.until)
        except OSError as error:
            raise storage_error(self.folder, error) from error
        return renewed

    def save(self) -> None:
        """Write what can be edited: `subject.yaml` and `photos/metadata.jsonl`.

        Each file is replaced as a whole; where the disk is full, the old one stays.

        Raises:
            StorageError: if they cannot be written.
        """
        import yaml

        record = {
            "name": self.name,
            "kind": self.kind,
            "class_noun": self.class_noun,
            "trigger": self.trigger,
            "consent": self.consent.record(),
            "faces": self.face_package,
            "encoder": self.encoder,
        }
        try:
            lines = jsonl(photo.line() for photo in self.photos)
            replace_text(self.folder / PHOTOS / METADATA, lines)
            text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
            replace_text(self.folder / RECORD, text)
        except OSError as error:
            raise storage_error(self.folder, error) from error


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def folder_of(home: Path, name: str) -> Path:
    """Where a subject of this name lives, whether or not it exists.

    Raises:
        SubjectError: if `name` cannot be a subject's name.
    """
    if not isinstance(name, str) or not _LEGAL_NAME.fullmatch(name):
        raise SubjectError(
            f"{name!r} cannot be a subject's name: it begins with a letter a-z and has letters, "
            "digits, '-' and '_' alone, at most 64 in all; try one like 'mira'."
        )
    return Path(home) / "subjects" / name


def subject_names(home: Path) -> list[str]:
    """The names of all the subjects at home, sorted."""
    records = (Path(home) / "subjects").glob(f"*/{RECORD}")
    names = (record.parent.name for record in records)
    return sorted(name for name in names if _LEGAL_NAME.fullmatch(name))


def namesake(home: Path, name: str) -> str | None:
    """The subject that has this name but for large and small letters, which not all disks tell."""
    return next((known for known in subject_names(home) if known.lower() == name.lower()), None)


def _text_in(record: dict[str, Any], key: str, path: Path) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value.strip():
        raise StorageError(f"{str(path)!r}: {key} is {value!r}; it must be a word or two.")
    return value


def _word_in(record: dict[str, Any], key: str, path: Path, checked: Callable[[str], str]) -> str:
    try:
        return checked(_text_in(record, key, path))
    except StorageError:
        raise
    except SubjectError as error:
        raise StorageError(f"{str(path)!r}: {error}") from error


def _consent_in(record: dict[str, Any], path: Path) -> Consent:
    anew = (
        "Delete the subject ('starring subject delete NAME'), add it anew, and answer the question."
    )
    consent = record.get("consent")
    if not isinstance(consent, dict):
        raise ConsentError(
            f"{str(path)!r}: consent is {consent!r}; no likeness is used without one. {anew}"
        )
    said: dict[str, Any] = {
        key: value if value is None else str(value) for key, value in consent.items()
    }
    try:
        known = Consent(**said)
    except ConsentError as error:
        raise ConsentError(f"{str(path)!r}: {error}") from error
    except TypeError as error:
        raise ConsentError(
            f"{str(path)!r}: consent has {list(consent)}; it must have whose, ground, date, "
            f"purpose, until, text_version, key and signature. {anew}"
        ) from error
    kind = record["kind"]
    if (known.ground if known.ground in NO_PERSON else "person") != kind:
        raise ConsentError(
            f"{str(path)!r}: the consent is on the ground {known.ground!r}, which is none of "
            f"a {kind}'s: put the kind back, or delete the subject and add it anew."
        )
    return known
