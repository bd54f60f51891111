"""Onlookers: the models that look at photos and clips, by the names that a command was given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bases.pocket import ENCODER, EXPRESSIONS, FACES
from studio.home import StudioError
from studio.printing import say
from studio.quiet import hush_models
from subjects import POCKET, FacePackageError, Finder, Subject
from subjects.adding import Describe
from subjects.captioner import Captioner
from subjects.encoders import EncoderError, ImageEncoder
from subjects.expressions import ExpressiveFaces
from subjects.faces import FaceCounter
from subjects.liveness import liveness_file
from subjects.packages import licence_note, open_faces
from subjects.plain_faces import PlainFaces


@dataclass(frozen=True)
class Onlookers:
    """What looks at the photos of a new subject.

    Attributes:
        faces: the face package, by name or folder.
        encoder: of a pet or an object, the image encoder that compares the photos, likewise.
        expressions: of a person, the folder of the classifier that tells expressions.
        captioner: the folder of the vision-language model that describes the photos.
        clothes: whether it may name clothes.
        nobody: whether nobody needs to look for people in the photos of a pet or an object.
    """

    faces: str = POCKET
    encoder: str | None = None
    expressions: Path | None = None
    captioner: Path | None = None
    clothes: bool = False
    nobody: bool = False

    def check(self, kind: str) -> None:
        """Refuse what does not go with a kind of subject.

        Raises:
            StudioError: if something does not.
        """
        person = kind == "person"
        unfit = {
            "--nobody is for photos of a pet or an object": person and self.nobody,
            "--encoder compares pets and objects, --faces a person": person and self.encoder,
            "--expressions is for a person's face": not person and self.expressions,
            "--caption-clothes is for what --captioner says": self.clothes and not self.captioner,
        }
        for why, given in unfit.items():
            if given:
                raise StudioError(f"{why}: leave it out.")

    def finder(self, kind: str) -> FaceCounter | None:
        """What finds the faces of a person, or looks for people beside a pet or an object.

        Raises:
            StudioError, FacePackageError, ExpressionError: if it cannot be opened.
        """
        if kind != "person" and self.nobody:
            return None
        if kind != "person" and self.faces == POCKET:
            return PlainFaces()
        finder = _opened(self.faces, kind)
        if self.faces != POCKET:
            say(f"Note: {licence_note(self.faces)}")
        classifier = self.expressions or (EXPRESSIONS if self.faces == POCKET else None)
        if kind != "person" or classifier is None:
            return finder
        hush_models()
        return ExpressiveFaces(finder, classifier)

    def compare(self) -> ImageEncoder | None:
        """What compares the photos of a pet or an object.

        Raises:
            EncoderError: if it cannot be opened.
        """
        if self.encoder is None:
            return None
        hush_models()
        return image_encoder(self.encoder)

    def describe(self, noun: str) -> Describe | None:
        """What describes the photos of such a thing.

        Raises:
            CaptionerError: if it cannot be opened.
        """
        if self.captioner is None:
            return None
        hush_models()
        return Captioner(self.captioner, noun, clothes=self.clothes)


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


def remembered(model: str) -> str:
    """A model's name, or its folder in full, since the next command may run elsewhere."""
    folder = Path(model).expanduser()
    return model if model == POCKET or not folder.is_dir() else str(folder.resolve())


def _opened(package: str, kind: str) -> Finder:
    """The face package; without one, what is no person can still be added."""
    try:
        return face_finder(package)
    except FacePackageError as error:
        if kind != "person":
            raise
        raise FacePackageError(
            f"{error} What is no person needs none: add it with --kind pet or --kind object."
        ) from error
