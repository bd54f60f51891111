"""Liveness: whether a face was before the camera, or a print or a screen that shows it.

By insightface's addon, where its file is on the machine. One frame tells little, so a low score
asks for care and decides nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from subjects.errors import FacePackageError
from subjects.faces import MODELS_FOLDER, Face, Finder, as_bgr

if TYPE_CHECKING:
    from numpy.typing import NDArray


def liveness_file() -> Path | None:
    """Where insightface keeps the addon; None if it is not there."""
    path = MODELS_FOLDER.expanduser().parent / "addons" / "liveness.onnx"
    return path if path.is_file() else None


class LiveFaces:
    """A finder whose faces also say how live they look.

    Args:
        finder: finds the faces.
        file: the addon's.

    Raises:
        FacePackageError: if the file cannot be used.
    """

    def __init__(self, finder: Finder, file: Path) -> None:
        """Open the addon."""
        from insightface.addons import Liveness

        try:
            self._liveness = Liveness(file, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime raises types of its own for a damaged file
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise FacePackageError(
                f"the liveness addon {str(file)!r} cannot be used ({reason}): fetch it again, or "
                "remove it to do without."
            ) from error
        self._finder = finder

    def find(self, image_HW3: NDArray[np.uint8]) -> list[Face]:
        """All faces in an RGB picture, the largest first; see `Face.live`."""
        bgr_HW3 = as_bgr(image_HW3)
        return [
            replace(face, live=self._liveness.predict(bgr_HW3, face.landmarks)["live_score"])
            for face in self._finder.find(image_HW3)
        ]

    def count(self, image_HW3: NDArray[np.uint8]) -> int:
        """How many faces an RGB picture shows; none of them is embedded."""
        return self._finder.count(image_HW3)
