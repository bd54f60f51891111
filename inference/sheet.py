"""A sheet that shows at a glance what an adapter does: photos, a strip without it, one with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bases.video import Frames

CELL, GAP, LABEL = 160, 6, 26
PAPER, INK = (250, 249, 246), (40, 38, 42)


def strip(frames: Frames, count: int) -> list[Image.Image]:
    """A few frames, evenly spaced from the first to the last."""
    chosen = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return [Image.fromarray(frames[index]) for index in chosen]


def sheet(rows: Sequence[tuple[str, Sequence[Image.Image]]]) -> Image.Image:
    """Labelled rows of square pictures.

    Args:
        rows: a label and pictures each; large pictures are shrunk and small ones enlarged.
    """
    columns = max(len(pictures) for _, pictures in rows)
    width = columns * (CELL + GAP) + GAP
    page = Image.new("RGB", (width, len(rows) * (CELL + LABEL + GAP) + GAP), PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(size=15)
    for row, (label, pictures) in enumerate(rows):
        top = GAP + row * (CELL + LABEL + GAP)
        draw.text((GAP, top + 4), label, fill=INK, font=font)
        for column, picture in enumerate(pictures):
            cell = _square(picture)
            page.paste(cell, (GAP + column * (CELL + GAP), top + LABEL))
    return page


def _square(picture: Image.Image) -> Image.Image:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    filter_ = Image.Resampling.LANCZOS if side > CELL else Image.Resampling.BICUBIC
    return picture.resize((CELL, CELL), filter_, box=(left, top, left + side, top + side))
