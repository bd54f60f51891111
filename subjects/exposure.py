"""Exposure: whether a face, or a picture, is lit well enough to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WHITE = 252
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def contrast_and_burnt(image_HW3: NDArray[np.uint8]) -> tuple[float, float]:
    """How much there is to see.

    Args:
        image_HW3: RGB in [0, 255], of a face or a whole picture; every fourth pixel of a large one
            is looked at.

    Returns:
        the difference between the 95th and the 5th percentile of luminance, in [0, 255], and the
        share of pixels that are pure white; 0 and 0 of an empty picture.
    """
    step = 1 if image_HW3.size < 500_000 else 4
    few = image_HW3[::step, ::step].reshape(-1, 3)
    if not len(few):
        return 0.0, 0.0
    low, high = np.percentile(few @ _LUMINANCE, (5, 95))
    return float(high - low), float((few >= _WHITE).all(1).mean())
