"""Image encoders: what tells whether two pictures show the same pet or object.

Any image model on this machine that transformers opens will do; DINOv2 and DINOv3 tell individuals
apart best. Nothing is downloaded, and no code of the model's folder is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from subjects.errors import SubjectError
from subjects.models import OFFLINE, asked, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray


@runtime_checkable
class Encoder(Protocol):
    """Turns a picture into numbers that are near each other for what looks alike."""

    def embed(self, image_HW3: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The picture's embedding, of length one."""
        ...


class EncoderError(SubjectError):
    """A folder that holds no model which encodes pictures."""


class ImageEncoder:
    """An image model of transformers'.

    Args:
        folder: of the model, as `save_pretrained` writes it.

    Raises:
        EncoderError: if there is none in the folder.
    """

    def __init__(self, folder: Path | str) -> None:
        """Load the model, onto the GPU if there is one."""
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._processor, model = opened(
            folder, _open, EncoderError, does="encodes pictures", such_as="DINOv2"
        )
        self._model = model.to(device).eval()

    def embed(self, image_HW3: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The picture's embedding (D,), of length one.

        Args:
            image_HW3: RGB in [0, 255].
        """
        inputs = self._processor(images=image_HW3, return_tensors="pt").to(self._model.device)
        with asked(self._model):
            features = _features(self._model, inputs)[0].float().cpu().numpy()
        return np.asarray(features / max(float(np.linalg.norm(features)), 1e-12), np.float32)


def _features(model: Any, inputs: Any) -> Any:
    """One vector (1, D) of the whole picture: of CLIP's kind the shared one, else the class's."""
    if hasattr(model, "get_image_features"):
        found = model.get_image_features(**inputs)
        return getattr(found, "pooler_output", found)
    found = model(**inputs)
    pooled = getattr(found, "pooler_output", None)
    return found.last_hidden_state[:, 0] if pooled is None else pooled.flatten(1)


def _open(folder: Path) -> tuple[Any, Any]:
    """The processor and the model, once both have encoded a picture."""
    from transformers import AutoImageProcessor, AutoModel

    processor = AutoImageProcessor.from_pretrained(folder, **OFFLINE)
    model = AutoModel.from_pretrained(folder, **OFFLINE).eval()
    grey = np.full((64, 64, 3), 128, np.uint8)
    _features(model, processor(images=grey, return_tensors="pt"))
    return processor, model
