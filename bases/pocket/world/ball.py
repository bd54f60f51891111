"""The ball that a person kicks: it lies, is hit, flies, bounces lower and lower."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import OUTLINE, Canvas, ellipse
from bases.pocket.world.people.pose import kick_at
from bases.pocket.world.physics import bouncing
from bases.pocket.world.scenes import Scene

RADIUS = 0.075
_UPWARDS = 1.35
_FROM_FOOT = 0.19


def ball_at(scene: Scene, seconds_N: Tensor) -> Tensor:
    """The ball's centre (N, 2) in world units; it moves after the foot has met it, not before."""
    late = (seconds_N - kick_at(scene)).clamp_min(0)
    x = scene.offset + scene.side * (_FROM_FOOT + scene.speed * late)
    y = RADIUS + bouncing(_UPWARDS * torch.ones_like(late), scene.restitution, late)
    return torch.stack((x, y), -1)


def paint_ball(canvas: Canvas, scene: Scene, seconds_N: Tensor) -> None:
    """Paint the ball where there is one."""
    centre, there = ball_at(scene, seconds_N), scene.does("kick")
    canvas.shadow(centre[:, 0], RADIUS - 0.1 * centre[:, 1], there)
    x, y = canvas.x_NHW, canvas.y_NHW
    ball = ellipse(x, y, centre[:, 0], centre[:, 1], RADIUS, RADIUS)
    canvas.paint(ball, scene.ball, outline=OUTLINE, opacity=there)
    rolled = (centre[:, 0] - scene.offset) / RADIUS
    for turn in (0.0, 2.1, 4.2):
        spot_x = centre[:, 0] + 0.55 * RADIUS * torch.cos(turn - rolled)
        spot_y = centre[:, 1] + 0.55 * RADIUS * torch.sin(turn - rolled)
        spot = ellipse(x, y, spot_x, spot_y, 0.25 * RADIUS, 0.25 * RADIUS)
        canvas.paint(spot, 0.35 * scene.ball, opacity=there)
