"""Plain faces: whether a photograph shows a person's face, told without a face package.

By the local binary patterns cascade for frontal faces (Viola and Jones 2001; Liao et al. 2007) that
comes with scikit-image. It embeds nothing, misses faces that are turned or covered, and knows no
drawn ones: it guards sets of pets and objects where no face package is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIDE, _SMALLEST, _NEIGHBOURS = 288, 24, 10


class PlainFaces:
    """Counts frontal faces of a twelfth of the picture or more."""

    def __init__(self) -> None:
        """Open the cascade."""
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade

        self._cascade = Cascade(lbp_frontal_face_cascade_filename())

    def count(self, image_HW3: NDArray[np.uint8]) -> int:
        """How many faces an RGB picture shows.

        On the photographs of things and animals that come with scikit-image it finds none.
        """
        picture = Image.fromarray(image_HW3)
        picture.thumbnail((_SIDE, _SIDE))
        found = self._cascade.detect_multi_scale(
            img=np.asarray(picture),
            scale_factor=1.1,
            step_ratio=1,
            min_size=(_SMALLEST, _SMALLEST),
            max_size=(min(picture.size), min(picture.size)),
            min_neighbor_number=_NEIGHBOURS,
        )
        return len(found)
