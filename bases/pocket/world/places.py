"""The places behind a puppet, drawn on the screen's own grid so that every shot shows them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bases.pocket.world.canvas import Canvas, box, ellipse, per_pixel
from bases.pocket.world.scenes import PLACES

Colour = tuple[float, float, float]


class Backdrop:
    """One place, painted over the pictures that show it; u runs right and v up, both in [-1, 1]."""

    def __init__(self, canvas: Canvas, pan_N: Tensor) -> None:
        self.canvas = canvas
        count = len(pan_N)
        self.u = canvas.screen_x_1HW.expand(count, -1, -1)
        self.v = canvas.screen_y_1HW.expand(count, -1, -1)
        self.pan_N = pan_N
        self.pixel = self.u.new_full((count, 1, 1), 2 / self.u.shape[-1])

    def sky(self, top: Colour, bottom: Colour) -> None:
        """A vertical gradient over the whole picture."""
        mix = ((self.v + 1) / 2)[:, None]
        a, b = (self.u.new_tensor(c)[None, :, None, None] for c in (top, bottom))
        self.canvas.fill(b + (a - b) * mix)

    def paint(self, sdf: Tensor, colour: Colour) -> None:
        """A flat shape without outline."""
        flat = self.u.new_tensor(colour).expand(len(self.pan_N), 3)
        self.canvas.paint(sdf, flat, pixel=self.pixel)

    def below(self, height: Tensor | float, colour: Colour) -> None:
        """All that lies under `height`."""
        self.paint(self.v - height, colour)

    def hills(
        self, height: float, swing: float, waves: float, depth: float, colour: Colour
    ) -> None:
        """A wavy horizon."""
        x = self.u * waves + per_pixel(self.pan_N) * depth * waves
        self.below(height + swing * torch.sin(x), colour)

    def repeated(self, period: float, depth: float, start: float = 0.0) -> Tensor:
        """A coordinate that runs over [-period/2, period/2) again and again, moved by the pan."""
        x = self.u + per_pixel(self.pan_N) * depth + start
        return torch.remainder(x + period / 2, period) - period / 2


def _beach(place: Backdrop) -> None:
    place.sky((0.35, 0.68, 0.96), (0.80, 0.93, 1.0))
    place.paint(ellipse(place.u, place.v, 0.62, 0.68, 0.2, 0.2), (1.0, 0.90, 0.40))
    place.below(0.0, (0.10, 0.48, 0.75))
    place.below(-0.12, (0.24, 0.64, 0.82))
    place.hills(-0.32, 0.03, 5.0, 0.4, (0.95, 0.85, 0.60))


def _forest(place: Backdrop) -> None:
    place.sky((0.55, 0.80, 0.62), (0.75, 0.90, 0.70))
    far, near = place.repeated(0.52, 0.25), place.repeated(0.95, 0.45, 0.3)
    place.paint(box(far, place.v, 0.0, 0.2, 0.05, 1.2), (0.36, 0.48, 0.36))
    place.paint(box(near, place.v, 0.0, 0.2, 0.09, 1.2), (0.36, 0.24, 0.15))
    leaves = ellipse(near, place.v, 0.0, 0.86, 0.40, 0.32)
    place.paint(leaves, (0.14, 0.44, 0.20))
    place.hills(-0.36, 0.04, 6.0, 0.6, (0.22, 0.50, 0.20))


def _city(place: Backdrop) -> None:
    place.sky((0.62, 0.68, 0.80), (0.92, 0.86, 0.82))
    far, near = place.repeated(0.46, 0.2), place.repeated(0.9, 0.4, 0.2)
    place.paint(box(far, place.v, 0.0, -0.1, 0.17, 0.8), (0.55, 0.58, 0.68))
    place.paint(box(near, place.v, 0.0, -0.2, 0.27, 0.75), (0.56, 0.34, 0.30))
    column = torch.remainder(near + 0.09, 0.18) - 0.09
    row = torch.remainder(place.v, 0.24) - 0.12
    windows = torch.maximum(box(column, row, 0.0, 0.0, 0.045, 0.06), near.abs() - 0.22)
    place.paint(torch.maximum(windows, place.v - 0.5), (1.0, 0.90, 0.55))
    place.below(-0.42, (0.36, 0.36, 0.40))


def _room(place: Backdrop) -> None:
    place.sky((0.90, 0.78, 0.62), (0.88, 0.72, 0.55))
    window = place.repeated(1.5, 0.4, 0.5)
    place.paint(box(window, place.v, 0.0, 0.42, 0.36, 0.40), (0.98, 0.97, 0.94))
    place.paint(box(window.abs(), place.v, 0.16, 0.42, 0.13, 0.34), (0.56, 0.80, 0.95))
    shelf = place.repeated(1.5, 0.4, -0.25)
    place.paint(box(shelf, place.v, 0.0, 0.25, 0.24, 0.035), (0.45, 0.26, 0.14))
    place.paint(box(shelf, place.v, -0.08, 0.36, 0.06, 0.09), (0.75, 0.20, 0.22))
    place.paint(box(shelf, place.v, 0.08, 0.34, 0.05, 0.07), (0.20, 0.40, 0.55))
    place.below(-0.45, (0.58, 0.36, 0.20))


def _snow(place: Backdrop) -> None:
    place.sky((0.50, 0.62, 0.82), (0.86, 0.90, 0.97))
    peak = place.repeated(1.1, 0.2)
    place.paint((place.v - 0.75 + 1.25 * peak.abs()) * 0.6, (0.50, 0.56, 0.68))
    place.paint(
        (0.45 - place.v).clamp_min(place.v - 0.75 + 1.25 * peak.abs()) * 0.6, (0.96, 0.97, 1.0)
    )
    place.hills(-0.22, 0.08, 3.0, 0.4, (0.88, 0.92, 0.98))
    fir = place.repeated(0.7, 0.5, 0.35)
    place.paint(
        (place.v - 0.12 + 2.4 * fir.abs()).clamp_min(-0.34 - place.v) * 0.4, (0.16, 0.36, 0.30)
    )
    place.below(-0.42, (0.97, 0.98, 1.0))


def _desert(place: Backdrop) -> None:
    place.sky((0.98, 0.62, 0.34), (1.0, 0.86, 0.58))
    place.paint(ellipse(place.u, place.v, -0.6, 0.5, 0.24, 0.24), (1.0, 0.95, 0.75))
    place.hills(-0.05, 0.14, 2.6, 0.2, (0.86, 0.52, 0.28))
    cactus = place.repeated(1.2, 0.45, 0.4)
    trunk = box(cactus, place.v, 0.0, 0.0, 0.07, 0.5, 0.06)
    arm = box(cactus.abs(), place.v, 0.2, 0.12, 0.05, 0.17, 0.05)
    bar = box(cactus, place.v, 0.0, 0.0, 0.22, 0.05, 0.04)
    place.paint(torch.minimum(torch.minimum(trunk, arm), bar), (0.22, 0.46, 0.24))
    place.hills(-0.36, 0.06, 4.0, 0.5, (0.93, 0.72, 0.42))


_PAINTERS: dict[str, Callable[[Backdrop], None]] = {
    "beach": _beach,
    "forest": _forest,
    "city": _city,
    "room": _room,
    "snow": _snow,
    "desert": _desert,
}


def paint_places(canvas: Canvas, place_N: Tensor, pan_N: Tensor) -> None:
    """Paint each picture's place over all of it; pictures of one place are painted together."""
    pictures = canvas.picture_N3HW
    for index in place_N.unique().tolist():
        rows = place_N == index
        canvas.picture_N3HW = pictures[rows]
        _PAINTERS[PLACES[index]](Backdrop(canvas, pan_N[rows]))
        pictures[rows] = canvas.picture_N3HW
    canvas.picture_N3HW = pictures
