"""Faces by OpenCV's own networks, YuNet and SFace, whose licences (MIT, Apache-2.0) are open.

A folder with the two files that OpenCV's model zoo offers, `face_detection_yunet_*.onnx` and
`face_recognition_sface_*.onnx`, is a face package like any of insightface's. OpenCV 5 wants the
detector whose picture may have any size (2026 or later).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subjects.errors import FacePackageError
from subjects.faces import Face, as_bgr, yaw_degrees

if TYPE_CHECKING:
    from numpy.typing import NDArray

DETECTOR, RECOGNISER = "face_detection_yunet*.onnx", "face_recognition_sface*.onnx"

_LONGEST = 1024


class OpenFaces:
    """Finds faces with YuNet and tells them apart with SFace; see `Finder`.

    Args:
        folder: holds the two files; of several of a kind, the last by name is taken.
        min_score: how sure the detector must be, in (0, 1).

    Raises:
        FacePackageError: if one is missing or cannot be loaded.
    """

    def __init__(self, folder: Path, *, min_score: float = 0.7) -> None:
        """Load both networks."""
        import cv2

        detector, recogniser = _file(folder, DETECTOR), _file(folder, RECOGNISER)
        try:
            self._detector = cv2.FaceDetectorYN.create(
                str(detector), "", (320, 320), score_threshold=min_score
            )
            self._recogniser = cv2.FaceRecognizerSF.create(str(recogniser), "")
        except cv2.error as error:
            raise FacePackageError(
                f"the face package {str(folder)!r} cannot be loaded ({_said(error)}); fetch it "
                "again."
            ) from error

    def find(self, image_HW3: NDArray[np.uint8]) -> list[Face]:
        """All faces in a picture, the largest first; embeddings have 128 numbers.

        Args:
            image_HW3: RGB in [0, 255].
        """
        bgr_HW3 = as_bgr(image_HW3)
        faces = [self._face(row, bgr_HW3) for row in self._detect(bgr_HW3)]
        return sorted(faces, key=lambda face: face.width * face.height, reverse=True)

    def count(self, image_HW3: NDArray[np.uint8]) -> int:
        """How many faces a picture shows; none of them is embedded."""
        return len(self._detect(as_bgr(image_HW3)))

    def _detect(self, bgr_HW3: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One row a face, (N, 15): box, landmarks, score; YuNet knows faces of 10 to 300 pixels."""
        import cv2

        height, width = bgr_HW3.shape[:2]
        scale = min(1.0, _LONGEST / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(bgr_HW3, size, interpolation=cv2.INTER_AREA)
        self._detector.setInputSize(size)
        try:
            _, rows = self._detector.detect(small)
        except cv2.error as error:
            raise FacePackageError(
                f"the detector cannot look at a picture of {size[0]}x{size[1]} ({_said(error)}): "
                "take the file for OpenCV 5, whose picture may have any size."
            ) from error
        found = np.zeros((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)
        found[:, :14] /= scale
        return found

    def _face(self, row: NDArray[np.float32], bgr_HW3: NDArray[np.uint8]) -> Face:
        left, top, width, height = row[:4]
        box = np.array([left, top, left + width, top + height], dtype=np.float32)
        landmarks = row[4:14].reshape(5, 2)
        crop = self._recogniser.alignCrop(bgr_HW3, row)
        embedding = np.asarray(self._recogniser.feature(crop), np.float32).ravel()
        return Face(
            box=box,
            landmarks=landmarks,
            score=float(row[14]),
            embedding=embedding / max(float(np.linalg.norm(embedding)), 1e-12),
            yaw=yaw_degrees(landmarks, box),
        )


def is_open_package(folder: Path) -> bool:
    """Whether a folder holds at least one of OpenCV's two files."""
    return any(folder.glob(DETECTOR)) or any(folder.glob(RECOGNISER))


def _file(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise FacePackageError(
            f"the face package {str(folder)!r} lacks {pattern!r}: fetch it from OpenCV's model zoo."
        )
    return found[-1]


def _said(error: Any) -> str:
    return " ".join(str(error).split())[:160]
