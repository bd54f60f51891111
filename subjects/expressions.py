"""Expressions: what a face looks as if it felt.

By any image classifier on this machine that transformers opens and whose labels name expressions.
Nothing is downloaded, and no code of the model's folder is run.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subjects.errors import SubjectError
from subjects.faces import Face, Finder
from subjects.models import OFFLINE, asked, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = {
    "neutral": ("neutral", "natural", "no expression"),
    "happy": ("happy", "happiness", "joy", "smile", "smiling"),
    "sad": ("sad", "sadness"),
    "angry": ("angry", "anger"),
    "surprised": ("surprised", "surprise"),
    "afraid": ("afraid", "fear", "fearful", "scared"),
    "disgusted": ("disgusted", "disgust"),
    "contemptuous": ("contemptuous", "contempt"),
}
"""Our words for expressions, and the labels that classifiers have for them."""

_LEAST_SURE = 0.5
_CROP = 112


class ExpressionError(SubjectError):
    """A folder that holds no model which tells expressions."""


class ExpressiveFaces:
    """A finder whose faces also say how they look; see `Face.expression`.

    Args:
        finder: finds the faces.
        folder: of an image classifier, as `save_pretrained` writes it.

    Raises:
        ExpressionError: if there is none in the folder, or its labels name no two expressions.
    """

    def __init__(self, finder: Finder, folder: Path | str) -> None:
        """Load the classifier, onto the GPU if there is one."""
        import torch

        self._processor, model = opened(
            folder,
            _open,
            ExpressionError,
            does="tells expressions",
            such_as="a ViT that was trained on AffectNet or FER2013",
        )
        self._names = expression_names(model.config.id2label, folder)
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self._finder = finder

    def find(self, image_HW3: NDArray[np.uint8]) -> list[Face]:
        """All faces in an RGB picture, the largest first, with their expressions."""
        faces = self._finder.find(image_HW3)
        return [replace(face, expression=self._expression(image_HW3, face)) for face in faces]

    def count(self, image_HW3: NDArray[np.uint8]) -> int:
        """How many faces an RGB picture shows; none of them is embedded."""
        return self._finder.count(image_HW3)

    def _expression(self, image_HW3: NDArray[np.uint8], face: Face) -> str | None:
        crop_HW3 = _aligned(image_HW3, face)
        inputs = self._processor(images=crop_HW3, return_tensors="pt").to(self._model.device)
        with asked(self._model):
            shares = self._model(**inputs).logits[0].float().softmax(-1)
        best = int(shares.argmax())
        return self._names.get(best) if float(shares[best]) >= _LEAST_SURE else None


def _aligned(image_HW3: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """The face as recognisers take it: upright, with its landmarks at known places."""
    from insightface.utils.face_align import norm_crop

    with warnings.catch_warnings():
        # insightface calls a name that scikit-image has renamed.
        warnings.simplefilter("ignore", FutureWarning)
        crop_HW3: NDArray[np.uint8] = norm_crop(image_HW3, face.landmarks, _CROP)
    return crop_HW3


def expression_names(labels: dict[int, str], folder: Path | str) -> dict[int, str]:
    """Our word for each of a classifier's labels that names an expression.

    Raises:
        ExpressionError: if fewer than two do.
    """
    words = {word: name for name, known in NAMES.items() for word in known}
    found = {number: words.get(label.lower().strip()) for number, label in labels.items()}
    names = {number: name for number, name in found.items() if name is not None}
    if len(set(names.values())) < 2:
        told = ", ".join(str(label) for label in list(labels.values())[:8])
        raise ExpressionError(
            f"{str(folder)!r} tells {told}, which are no expressions: give a classifier whose "
            f"labels are such as {', '.join(list(NAMES)[:5])}, or leave it out."
        )
    return names


def _open(folder: Path) -> tuple[Any, Any]:
    """The processor and the classifier, once both have looked at a picture."""
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    processor = AutoImageProcessor.from_pretrained(folder, **OFFLINE)
    model = AutoModelForImageClassification.from_pretrained(folder, **OFFLINE).eval()
    grey_HW3 = np.full((_CROP, _CROP, 3), 128, np.uint8)
    model(**processor(images=grey_HW3, return_tensors="pt"))
    return processor, model
