"""Aspect-ratio buckets: a few picture sizes of about one area, so that photos keep their shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image

from subjects.masks import Box

RATIOS = (1.0, 4 / 3, 3 / 4, 3 / 2, 2 / 3, 16 / 9, 9 / 16)


@dataclass(frozen=True)
class Buckets:
    """The sizes that a run may use.

    Attributes:
        side: pictures have about `side` times `side` pixels.
        multiple: heights and widths are multiples of this.
        ratios: width over height; a base that knows one shape alone has one ratio.
    """

    side: int
    multiple: int
    ratios: tuple[float, ...] = RATIOS

    def size_of(self, ratio: float) -> tuple[int, int]:
        """Height and width of the bucket of a ratio."""
        height, width = self.side / math.sqrt(ratio), self.side * math.sqrt(ratio)
        return self._round(height), self._round(width)

    def nearest(self, width: int, height: int) -> tuple[int, int]:
        """Height and width of the bucket whose ratio is nearest to a picture's."""
        wanted = math.log(width / height)
        return self.size_of(min(self.ratios, key=lambda ratio: abs(math.log(ratio) - wanted)))

    def _round(self, pixels: float) -> int:
        return max(1, round(pixels / self.multiple)) * self.multiple


def fit(picture: Image.Image, height: int, width: int, keep: Box | None = None) -> Image.Image:
    """Cut a picture to a bucket's ratio, as little as possible, and scale it.

    Args:
        picture: any size.
        height: pixels to scale to.
        width: pixels to scale to.
        keep: left, top, right and bottom of what should stay in sight, such as a face; the middle
            of the picture if not given.
    """
    across, down = picture.size
    scale = min(across / width, down / height)
    cut_w, cut_h = width * scale, height * scale
    left, top, right, bottom = keep or (0, 0, across, down)
    x = max(min((left + right - cut_w) / 2, across - cut_w), 0)
    y = max(min((top + bottom - cut_h) / 2, down - cut_h), 0)
    box = (x, y, min(x + cut_w, across), min(y + cut_h, down))
    return picture.resize((width, height), Image.Resampling.LANCZOS, box=box)
