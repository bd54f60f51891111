"""The places behind a puppet, drawn on the screen's own grid so that every shot shows them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bases.pocket.world.canvas import Canvas, box, ellipse, per_pixel
from bases.pocket.world.scenes import PLACES

Colour = tuple[float, float, float]


class Backdrop:
    """One place, painted over the pictures that show it; u runs right and v up, both in [-1, 1].

    Args:
        canvas: the pictures.
        pan_N: how far the place has gone sideways, in half pictures.
        zoom_N: how much larger it looks.
    """

    def __init__(self, canvas: Canvas, pan_N: Tensor, zoom_N: Tensor) -> None:
        self.canvas, self.pan_N = canvas, pan_N
        zoom = zoom_N[:, None, None]
        self.u, self.v = canvas.screen_x_1HW / zoom, canvas.screen_y_1HW / zoom
        self.pixel = 2 / (self.u.shape[-1] * zoom)

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


def _park(place: Backdrop) -> None:
    place.sky((0.42, 0.72, 0.98), (0.86, 0.95, 1.0))
    cloud = place.repeated(1.6, 0.1)
    for x, y, size in ((-0.15, 0.62, 0.16), (0.05, 0.68, 0.20), (0.22, 0.61, 0.14)):
        place.paint(ellipse(cloud, place.v, x, y, size, 0.7 * size), (1.0, 1.0, 1.0))
    place.hills(-0.12, 0.06, 2.2, 0.2, (0.56, 0.78, 0.38))
    tree = place.repeated(1.3, 0.4, 0.6)
    place.paint(box(tree, place.v, 0.0, -0.1, 0.05, 0.26), (0.45, 0.30, 0.18))
    place.paint(ellipse(tree, place.v, 0.0, 0.26, 0.27, 0.27), (0.26, 0.58, 0.24))
    bench = place.repeated(1.3, 0.4)
    for y in (-0.18, -0.08):
        place.paint(box(bench, place.v, 0.0, y, 0.24, 0.035), (0.62, 0.22, 0.16))
    place.hills(-0.34, 0.02, 3.0, 0.6, (0.44, 0.70, 0.30))


def _kitchen(place: Backdrop) -> None:
    place.sky((0.82, 0.92, 0.90), (0.76, 0.88, 0.87))
    tile = place.repeated(0.2, 0.4)
    lines = torch.minimum(tile.abs(), torch.remainder(place.v, 0.2)) - 0.008
    place.paint(lines, (0.93, 0.97, 0.97))
    hood = place.repeated(1.7, 0.4, 0.6)
    place.paint(box(hood, place.v, 0.0, 0.62, 0.30, 0.22), (0.52, 0.56, 0.60))
    place.paint(box(hood, place.v, 0.0, 0.40, 0.40, 0.05), (0.40, 0.44, 0.48))
    fridge = place.repeated(1.7, 0.4, -0.2)
    place.paint(box(fridge, place.v, 0.0, 0.10, 0.26, 0.66, 0.05), (0.96, 0.96, 0.93))
    place.paint(box(fridge, place.v, 0.0, 0.28, 0.26, 0.012), (0.70, 0.72, 0.72))
    place.paint(box(fridge, place.v, -0.19, 0.10, 0.02, 0.10), (0.45, 0.48, 0.50))
    place.below(-0.30, (0.93, 0.55, 0.25))
    place.below(-0.38, (0.86, 0.82, 0.74))
    floor = place.repeated(0.4, 0.7).abs() - 0.1
    place.paint(torch.maximum(floor, place.v + 0.52), (0.70, 0.64, 0.56))


def _stage(place: Backdrop) -> None:
    place.sky((0.34, 0.04, 0.10), (0.50, 0.07, 0.14))
    fold = place.repeated(0.24, 0.3)
    place.paint(fold.abs() - 0.035, (0.26, 0.03, 0.08))
    lamp = place.repeated(1.2, 0.3, 0.3)
    beam = torch.maximum(lamp.abs() - 0.10 - 0.30 * (0.95 - place.v), place.v - 0.95)
    place.paint(torch.maximum(beam, -0.40 - place.v), (0.72, 0.30, 0.28))
    place.paint(box(lamp, place.v, 0.0, 0.93, 0.10, 0.07), (0.12, 0.12, 0.14))
    place.below(-0.38, (0.66, 0.44, 0.24))
    board = place.repeated(0.5, 0.7).abs() - 0.012
    place.paint(torch.maximum(board, place.v + 0.38), (0.48, 0.30, 0.16))


def _moon(place: Backdrop) -> None:
    place.sky((0.02, 0.02, 0.07), (0.08, 0.08, 0.18))
    for period, start, height in ((0.5, 0.1, 0.80), (0.7, 0.4, 0.45), (0.6, 0.2, 0.15)):
        star = place.repeated(period, 0.08, start)
        place.paint(ellipse(star, place.v, 0.0, height, 0.022, 0.022), (1.0, 1.0, 0.92))
    place.paint(ellipse(place.u, place.v, -0.55, 0.55, 0.26, 0.26), (0.22, 0.48, 0.86))
    place.paint(ellipse(place.u, place.v, -0.60, 0.60, 0.12, 0.08), (0.36, 0.66, 0.36))
    place.hills(-0.18, 0.07, 3.4, 0.3, (0.56, 0.56, 0.60))
    place.hills(-0.34, 0.02, 5.0, 0.6, (0.70, 0.70, 0.73))
    crater = place.repeated(0.8, 0.6, 0.2)
    place.paint(ellipse(crater, place.v, 0.0, -0.62, 0.26, 0.07), (0.55, 0.55, 0.59))


_PAINTERS: dict[str, Callable[[Backdrop], None]] = {
    "beach": _beach,
    "forest": _forest,
    "city": _city,
    "room": _room,
    "snow": _snow,
    "desert": _desert,
    "park": _park,
    "kitchen": _kitchen,
    "stage": _stage,
    "moon": _moon,
}


def paint_places(canvas: Canvas, place_N: Tensor, pan_N: Tensor, zoom_N: Tensor) -> None:
    """Paint each picture's place over all of it; pictures of one place are painted together.

    Args:
        canvas: the pictures.
        place_N: indices into `PLACES`.
        pan_N: how far the place has gone sideways, in half pictures.
        zoom_N: how much larger it looks than without a zoom.
    """
    for index in place_N.unique().tolist():
        rows = place_N == index
        with canvas.only(rows) as part:
            _PAINTERS[PLACES[index]](Backdrop(part, pan_N[rows], zoom_N[rows]))
