from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subjects import Consent, Face
from tests.subjects.known_faces import KnownFaces, make_picture


@pytest.fixture
def finder() -> KnownFaces:
    return KnownFaces()


@pytest.fixture
def consent() -> Consent:
    return Consent(whose="Mira", ground="synthetic", date="2025-01-31")


@pytest.fixture
def take(tmp_path: Path, finder: KnownFaces) -> Callable[..., Path]:
    """Save a photo whose faces the finder knows."""

    def save(
        name: str, *faces: Face, seed: int | None = None, picture: np.ndarray | None = None
    ) -> Path:
        if picture is None:
            picture = make_picture(sum(name.encode()) if seed is None else seed)
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path, format="PNG")
        finder.know(picture, faces)
        return path

    return save
