"""The film: looks and scenes in, clips out, a pure function of the two."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.canvas import Canvas
from bases.pocket.world.looks import Look
from bases.pocket.world.people import camera, paint_person
from bases.pocket.world.places import paint_places
from bases.pocket.world.poses import pose_at
from bases.pocket.world.scenes import Scene


@torch.no_grad()
def film(look: Look, scene: Scene, *, size: int, frames: int = 1, fps: float = 16.0) -> Tensor:
    """Draw B clips of B individuals.

    Args:
        look: B individuals.
        scene: B scenes, on the same device.
        size: height and width in pixels.
        frames: frames a clip; 1 draws a photo.
        fps: frames a second.

    Returns:
        (B, 3, frames, size, size) in [-1, 1]; equal arguments give equal pictures.

    Raises:
        ValueError: if there are not as many individuals as scenes.
    """
    if len(look) != len(scene):
        raise ValueError(f"{len(look)} individuals for {len(scene)} scenes: give one a scene.")
    device = look.skin.device
    rows = torch.arange(len(look), device=device).repeat_interleave(frames)
    look, scene = look[rows], scene[rows]
    seconds = torch.arange(frames, device=device).repeat(len(rows) // frames) / fps

    pose = pose_at(look, scene, seconds)
    height, half = camera(scene.shot)
    canvas = Canvas(torch.stack((torch.zeros_like(height), height), -1), half, size)
    paint_places(canvas, scene.place, pose.pan)
    paint_person(canvas, look, pose, scene.expression, scene.intensity)
    pictures = (canvas.picture_N3HW * scene.light[:, None, None, None]).clamp(0, 1) * 2 - 1
    return pictures.unflatten(0, (-1, frames)).transpose(1, 2).contiguous()
