"""A sheet shows every picture that it was given, in labelled rows."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from inference.sheet import CELL, GAP, LABEL, PAPER, sheet, strip


def plain(colour: str, size: tuple[int, int] = (64, 64)) -> Image.Image:
    return Image.new("RGB", size, colour)


@pytest.mark.parametrize("size", [(32, 32), (640, 640), (320, 200), (90, 160)])
def test_every_picture_has_its_cell(size: tuple[int, int]) -> None:
    page = sheet([("photos", [plain("red", size)]), ("clip", [plain("lime", size)] * 3)])
    assert page.size == (3 * (CELL + GAP) + GAP, 2 * (CELL + LABEL + GAP) + GAP)
    middle = GAP + CELL // 2
    second_row = middle + LABEL + CELL + LABEL + GAP
    assert page.getpixel((middle, middle + LABEL)) == (255, 0, 0)
    assert page.getpixel((middle + CELL + GAP, middle + LABEL)) == PAPER
    for column in range(3):
        assert page.getpixel((middle + column * (CELL + GAP), second_row)) == (0, 255, 0)


def test_each_row_is_labelled() -> None:
    page = np.asarray(sheet([("with the adapter", [plain("red")])]))
    assert (page[GAP : LABEL - 2, GAP:CELL] != PAPER).any()
    unlabelled = np.asarray(sheet([("", [plain("red")])]))
    assert (unlabelled[GAP : LABEL - 2, GAP:CELL] == PAPER).all()


def test_a_strip_goes_from_the_first_frame_to_the_last() -> None:
    frames = np.arange(17, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    shown = [picture.getpixel((0, 0))[0] for picture in strip(frames, 5)]
    assert shown == [0, 4, 8, 12, 16]
    assert [picture.getpixel((0, 0))[0] for picture in strip(frames[:1], 3)] == [0, 0, 0]
