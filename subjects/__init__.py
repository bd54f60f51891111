"""Subjects: photos in, an audited, consented, captioned subject out."""

from subjects.adding import add_subject, check_new_subject, photo_paths
from subjects.captions import with_article
from subjects.consent import CONSENT_TEXT, GROUNDS, Consent
from subjects.errors import (
    ConsentError,
    FacePackageError,
    NoUsablePhotoError,
    PhotoError,
    StorageError,
    SubjectError,
)
from subjects.faces import Face, FaceFinder, Finder, leave_one_out, similarity_to
from subjects.metadata import Photo
from subjects.photos import read_photo
from subjects.subject import KINDS, Subject, subject_names
from subjects.verdicts import CARE, DROP, KEEP, PEOPLE, PUPPETS, AuditedPhoto, Limits, Measures

__all__ = [
    "CARE",
    "CONSENT_TEXT",
    "DROP",
    "GROUNDS",
    "KEEP",
    "KINDS",
    "PEOPLE",
    "PUPPETS",
    "AuditedPhoto",
    "Consent",
    "ConsentError",
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
    "add_subject",
    "check_new_subject",
    "leave_one_out",
    "photo_paths",
    "read_photo",
    "similarity_to",
    "subject_names",
    "with_article",
]
