"""Anti-aliased painting with signed distance functions, many pictures at once.

A signed distance function (SDF) is negative inside a shape and positive outside, in world units.
Shape suffixes: N pictures, H rows, W columns, 3 colour channels in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy

import torch
from torch import Tensor

INK = (0.13, 0.10, 0.12)
OUTLINE = 0.011


class Canvas:
    """N pictures painted back to front, each seen by a camera of its own.

    Args:
        centre_N2: the world point (x right, y up) at the middle of each picture.
        half_N: world units from the middle to the edge of each picture.
        size: height and width in pixels.
        masks: how many things' masks are kept, in `mask_NMHW`; set `mark` to the number of the
            thing that is being painted, or to None for all else.
    """

    def __init__(self, centre_N2: Tensor, half_N: Tensor, size: int, masks: int = 0) -> None:
        pixels = (torch.arange(size, device=half_N.device) + 0.5) / size * 2 - 1
        self.screen_x_1HW = pixels[None, None, :].expand(1, size, size)
        self.screen_y_1HW = -pixels[None, :, None].expand(1, size, size)
        half = half_N[:, None, None]
        self.x_NHW = centre_N2[:, 0, None, None] + half * self.screen_x_1HW
        self.y_NHW = centre_N2[:, 1, None, None] + half * self.screen_y_1HW
        self.pixel_N11 = 2 * half / size
        self.picture_N3HW = torch.zeros(len(half_N), 3, size, size, device=half_N.device)
        self.mask_NMHW = torch.zeros(len(half_N), masks, size, size, device=half_N.device)
        self.mark: int | None = None

    @contextmanager
    def only(self, rows_N: Tensor) -> Iterator[Canvas]:
        """Some of the pictures, which come back painted."""
        if bool(rows_N.all()):
            yield self
            return
        part = copy(self)
        part.x_NHW, part.y_NHW = self.x_NHW[rows_N], self.y_NHW[rows_N]
        part.pixel_N11, part.picture_N3HW = self.pixel_N11[rows_N], self.picture_N3HW[rows_N]
        part.mask_NMHW = self.mask_NMHW[rows_N]
        yield part
        self.picture_N3HW[rows_N] = part.picture_N3HW
        self.mask_NMHW[rows_N] = part.mask_NMHW

    def fill(self, colour: Tensor) -> None:
        """Paint the whole picture; `colour` is (N, 3) or (N, 3, H, W)."""
        self.picture_N3HW.copy_(_over_pixels(colour))

    def paint(
        self,
        sdf_NHW: Tensor,
        colour: Tensor,
        *,
        outline: float = 0.0,
        opacity: Tensor | float = 1.0,
        pixel: Tensor | None = None,
    ) -> None:
        """Paint a shape over what is there.

        Args:
            sdf_NHW: the shape.
            colour: (N, 3), or (N, 3, H, W) for a pattern.
            outline: width of an ink line around the shape, in world units.
            opacity: between 0 and 1, a number or one a picture (N,).
            pixel: the size of a pixel in the units of `sdf_NHW`, if not the camera's.
        """
        pixel = self.pixel_N11 if pixel is None else pixel
        if isinstance(opacity, Tensor):
            opacity = opacity[:, None, None]
        if outline:
            ink = self.picture_N3HW.new_tensor(INK)[None, :, None, None]
            self._blend(sdf_NHW - outline, ink, opacity, pixel)
        self._blend(sdf_NHW, _over_pixels(colour), opacity, pixel)

    def shadow(self, x_N: Tensor, width_N: Tensor, opacity: Tensor | float = 1.0) -> None:
        """A shadow on the ground, under what stands or flies at x; it belongs to no mask."""
        shape = ellipse(self.x_NHW, self.y_NHW, x_N, 0.0, width_N.clamp_min(0.02), 0.025)
        mark, self.mark = self.mark, None
        self.paint(shape, x_N.new_tensor(INK).expand(len(x_N), 3), opacity=0.35 * opacity)
        self.mark = mark

    def _blend(
        self, sdf_NHW: Tensor, colour: Tensor, opacity: Tensor | float, pixel: Tensor
    ) -> None:
        cover_NHW = (0.5 - sdf_NHW / pixel).clamp_(0, 1) * opacity
        self.picture_N3HW.lerp_(colour.expand_as(self.picture_N3HW), cover_NHW[:, None])
        masks = self.mask_NMHW.shape[1]
        if masks:
            marked = [float(index == self.mark) for index in range(masks)]
            wanted = self.mask_NMHW.new_tensor(marked)[None, :, None, None]
            self.mask_NMHW.lerp_(wanted.expand_as(self.mask_NMHW), cover_NHW[:, None])


def _over_pixels(colour: Tensor) -> Tensor:
    return colour if colour.ndim == 4 else colour[:, :, None, None]


def per_pixel(value: Tensor | float) -> Tensor | float:
    """One value a picture (N,), made to broadcast over pixels (N, 1, 1)."""
    return value[:, None, None] if isinstance(value, Tensor) and value.ndim == 1 else value


def ellipse(
    x: Tensor,
    y: Tensor,
    cx: Tensor | float,
    cy: Tensor | float,
    rx: Tensor | float,
    ry: Tensor | float,
) -> Tensor:
    """Ellipse at (cx, cy); exact on the axes and close to exact near the edge."""
    rx, ry = per_pixel(rx), per_pixel(ry)
    dx, dy = (x - per_pixel(cx)) / rx, (y - per_pixel(cy)) / ry
    length = (dx * dx + dy * dy).sqrt()
    slope = ((dx / rx) ** 2 + (dy / ry) ** 2).sqrt()
    return length * (length - 1) / (slope + 1e-6)


def capsule(
    x: Tensor,
    y: Tensor,
    ax: Tensor | float,
    ay: Tensor | float,
    bx: Tensor | float,
    by: Tensor | float,
    radius: Tensor | float,
) -> Tensor:
    """A segment from a to b, thickened by `radius`."""
    ax, ay, bx, by = per_pixel(ax), per_pixel(ay), per_pixel(bx), per_pixel(by)
    dx, dy = bx - ax, by - ay
    along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy + 1e-9)).clamp(0, 1)
    return ((x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2).sqrt() - per_pixel(radius)


def box(
    x: Tensor,
    y: Tensor,
    cx: Tensor | float,
    cy: Tensor | float,
    half_w: Tensor | float,
    half_h: Tensor | float,
    rounding: float = 0.0,
) -> Tensor:
    """An upright box with rounded corners."""
    dx = (x - per_pixel(cx)).abs() - per_pixel(half_w) + rounding
    dy = (y - per_pixel(cy)).abs() - per_pixel(half_h) + rounding
    outside = (dx.clamp_min(0) ** 2 + dy.clamp_min(0) ** 2).sqrt()
    return outside + torch.maximum(dx, dy).clamp_max(0) - rounding
