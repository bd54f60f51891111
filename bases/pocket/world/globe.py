"""A globe that turns: what sits on it slides, shrinks and vanishes as it turns away."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import Canvas, per_pixel


class Globe:
    """Coordinates of N globes in N pictures: the origin at the centre, tilted with the globe.

    Args:
        canvas: the pictures.
        centre_N2: the centres, in world units.
        roll_N: their tilt, radians.
        yaw_N: their turn, radians, positive towards the picture's right.
        width_N: half the width, world units.
        height_N: half the height, world units.
    """

    def __init__(
        self,
        canvas: Canvas,
        centre_N2: Tensor,
        *,
        roll_N: Tensor,
        yaw_N: Tensor,
        width_N: Tensor,
        height_N: Tensor,
    ) -> None:
        self.canvas, self.yaw, self.width, self.height = canvas, yaw_N, width_N, height_N
        dx = canvas.x_NHW - per_pixel(centre_N2[:, 0])
        dy = canvas.y_NHW - per_pixel(centre_N2[:, 1])
        cos, sin = per_pixel(roll_N.cos()), per_pixel(roll_N.sin())
        self.x, self.y = dx * cos + dy * sin, dy * cos - dx * sin

    def place(self, azimuth: Tensor, reach: float | Tensor = 1.0) -> tuple[Tensor, Tensor, Tensor]:
        """Where a feature at `azimuth` radians off the front is seen.

        Returns:
            its x (N,), how much narrower it looks in (0, 1], and how visible it is in [0, 1].
        """
        angle = azimuth + self.yaw
        facing = angle.cos()
        return (
            self.width * reach * angle.sin(),
            facing.clamp_min(0.22),
            ((facing + 0.06) / 0.2).clamp(0, 1),
        )

    @property
    def away(self) -> Tensor:
        """How far its front is turned away, (N,) from 0 (to be seen) to 1 (straight away)."""
        return (-self.yaw.cos()).clamp_min(0)

    @property
    def zero(self) -> Tensor:
        """The azimuth of the front."""
        return torch.zeros_like(self.yaw)
