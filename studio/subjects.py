"""What `starring subject add` does: open the face package, ask for consent, audit."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from bases.pocket import ENCODER, EXPRESSIONS, FACES
from studio.asking import Terms
from studio.home import StudioError
from studio.printing import say
from studio.quiet import hush_models
from subjects import (
    POCKET,
    Finder,
    Subject,
    add_subject,
    check_new_subject,
    limits_for,
)
from subjects.captioner import Captioner
from subjects.encoders import EncoderError, ImageEncoder
from subjects.expressions import ExpressiveFaces
from subjects.liveness import liveness_file
from subjects.packages import licence_note, open_faces
from subjects.plain_faces import PlainFaces
from subjects.splits import HELD_OUT

_FOR_PHOTOGRAPHS = (
    "Pocket's face package knows drawings alone: for photographs give --faces the name or folder "
    "of another, such as 'buffalo_l' (insightface) or a folder with OpenCV's YuNet and SFace; or "
    "add the subject with --kind object, without a face model."
)


def face_finder(package: str) -> Finder:
    """The face package of that name or in that folder.

    Raises:
        StudioError: if the name is empty.
        FacePackageError: if the package is missing or cannot be opened.
    """
    if not package.strip():
        raise StudioError(
            f"No face package is called {package!r}: give --faces {POCKET!r}, the name of an "
            "insightface package such as 'buffalo_l', or a folder of ONNX files."
        )
    if package == POCKET:
        return open_faces(FACES)
    return open_faces(package, liveness=liveness_file())


def image_encoder(model: str) -> ImageEncoder:
    """The image encoder in that folder, or Pocket's own, which knows drawings alone.

    Raises:
        EncoderError: if the folder holds none.
    """
    return ImageEncoder(ENCODER if model == POCKET else model)


def encoder_of(subject: Subject) -> ImageEncoder | None:
    """What compared a pet's or an object's photos; None if nothing did, or it is not here."""
    if subject.encoder is None:
        return None
    try:
        return image_encoder(subject.encoder)
    except EncoderError as error:
        say(f"Note: nothing compares its photos and clips: {error}")
        return None


def add_from_photos(
    name: str,
    photos: list[Path],
    *,
    kind: str,
    terms: Terms,
    noun: str | None,
    faces: str,
    home: Path,
    like: str | None = None,
    held_out: int = HELD_OUT,
    encoder: str | None = None,
    expressions: Path | None = None,
    captioner: Path | None = None,
    clothes: bool = False,
    nobody: bool = False,
) -> Subject:
    """Audit photos and store the subject; see `subjects.add_subject`.

    Raises:
        StudioError: if consent is needed and there is no terminal to ask on, or a real person's
            face is to be found by Pocket's package.
        SubjectError: if the subject cannot be added; known before the question where it can be.
    """
    check_new_subject(name, photos, home=home, kind=kind, class_noun=noun)
    person = kind == "person"
    if person and nobody:
        raise StudioError("--nobody is for photos of a pet or an object: leave it out.")
    finder = face_finder(faces) if person or faces != POCKET else None
    if finder is not None and faces != POCKET:
        say(f"Note: {licence_note(faces)}")
    if person and encoder is not None:
        raise StudioError("--encoder compares pets and objects, --faces a person: leave it out.")
    if not person and expressions is not None:
        raise StudioError("--expressions is for a person's face: leave it out.")
    hush_models()
    compare = None if encoder is None else image_encoder(encoder)
    if finder is not None and person:
        own = EXPRESSIONS if faces == POCKET else None
        finder = _expressive(finder, expressions or own)
    named = kind if noun is None else noun
    describe = Captioner(captioner, named, clothes=clothes) if captioner else None
    consent = terms.agreed() if person else None
    if consent is not None and faces == POCKET and consent.ground != "synthetic":
        raise StudioError(_FOR_PHOTOGRAPHS)
    with tqdm(desc="audit", unit="photo") as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return add_subject(
            name,
            photos,
            home=home,
            kind=kind,
            consent=consent,
            faces=finder or (None if nobody else PlainFaces()),
            class_noun=noun,
            limits=limits_for(faces),
            face_package=_remembered(faces),
            like=like,
            held_out=held_out,
            describe=describe,
            encoder=compare,
            encoder_folder=None if encoder is None else _remembered(encoder),
            progress=show,
        )


def _expressive(finder: Finder, classifier: Path | None) -> Finder:
    """The finder, whose faces say how they look where there is a classifier."""
    return ExpressiveFaces(finder, classifier) if classifier else finder


def _remembered(model: str) -> str:
    """A model's name, or its folder in full, since the next command may run elsewhere."""
    folder = Path(model).expanduser()
    return model if model == POCKET or not folder.is_dir() else str(folder.resolve())
