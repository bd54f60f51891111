"""A finder that knows its faces by heart, and faces and pictures to teach it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subjects import Face
from subjects.faces import yaw_degrees


class KnownFaces:
    """Finds the faces that a test has put into a picture."""

    def __init__(self) -> None:
        self.faces: dict[bytes, list[Face]] = {}
        self.asked = 0

    def know(self, picture: np.ndarray, faces: Sequence[Face]) -> None:
        self.faces[picture.tobytes()] = list(faces)

    def find(self, image_HW3: np.ndarray) -> list[Face]:
        self.asked += 1
        return self.faces.get(image_HW3.tobytes(), [])

    def count(self, image_HW3: np.ndarray) -> int:
        return len(self.faces.get(image_HW3.tobytes(), []))


def make_face(
    person: int,
    *,
    width: float = 100,
    left: float = 60,
    top: float = 60,
    yaw: float = 0,
    seed: int = 0,
) -> Face:
    """A face of one of 400 people; another seed gives another photo of the same person."""
    embedding = 0.015 * np.random.default_rng([person, seed]).standard_normal(512)
    embedding[person] += 1
    box = np.array([left, top, left + width, top + 1.1 * width], dtype=np.float32)
    middle = left + width / 2
    nose = middle + 0.94 * np.sin(np.radians(yaw)) * width / 2
    rows = top + np.array([0.4, 0.4, 0.6, 0.8, 0.8]) * width
    columns = nose + np.array([-0.2, 0.2, 0, -0.15, 0.15]) * width * np.cos(np.radians(yaw))
    landmarks = np.stack([columns, rows], 1).astype(np.float32)
    return Face(
        box=box,
        landmarks=landmarks,
        score=0.9,
        embedding=(embedding / np.linalg.norm(embedding)).astype(np.float32),
        yaw=yaw_degrees(landmarks, box),
    )


def make_picture(seed: int, size: int = 256) -> np.ndarray:
    """A patchwork with sharp edges, another one for each seed."""
    tiles = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return np.kron(tiles, np.ones((size // 8, size // 8, 1), dtype=np.uint8))
