"""Subjects: photos in, an audited, consented, captioned subject out."""

from subjects.adding import add_subject, check_new_subject, photo_paths
from subjects.captions import with_article
from subjects.carrying import pack, unpack
from subjects.consent import CONSENT_TEXT, GROUNDS, Consent
from subjects.coverage import Coverage
from subjects.deletion import Deleted, delete_subject, finish_deletions
from subjects.editing import edit_subject
from subjects.errors import (
    ConsentError,
    FacePackageError,
    NoUsablePhotoError,
    PhotoError,
    StorageError,
    SubjectError,
    UnknownSubjectError,
)
from subjects.faces import Face, FaceFinder, Finder, leave_one_out, similarity_to
from subjects.ledger import log_of, note, problems
from subjects.limits import PEOPLE, POCKET, PUPPETS, Limits, limits_for
from subjects.measures import Measures
from subjects.metadata import Photo
from subjects.photos import read_photo
from subjects.subject import KINDS, Subject, subject_names
from subjects.verdicts import CARE, DROP, KEEP, AuditedPhoto

__all__ = [
    "CARE",
    "CONSENT_TEXT",
    "DROP",
    "GROUNDS",
    "KEEP",
    "KINDS",
    "PEOPLE",
    "POCKET",
    "PUPPETS",
    "AuditedPhoto",
    "Consent",
    "ConsentError",
    "Coverage",
    "Deleted",
    "Face",
    "FaceFinder",
    "FacePackageError",
    "Finder",
    "Limits",
    "Measures",
    "NoUsablePhotoError",
    "Photo",
    "PhotoError",
    "StorageError",
    "Subject",
    "SubjectError",
    "UnknownSubjectError",
    "add_subject",
    "check_new_subject",
    "delete_subject",
    "edit_subject",
    "finish_deletions",
    "leave_one_out",
    "limits_for",
    "log_of",
    "note",
    "pack",
    "photo_paths",
    "problems",
    "read_photo",
    "similarity_to",
    "subject_names",
    "unpack",
    "with_article",
]
