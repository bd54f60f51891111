"""Where the face is in a drawn picture, from the same poses that the painter paints.

Pixels are counted as OpenCV and insightface count them: (0, 0) is the middle of the first pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bases.pocket.world.canvas import Canvas
from bases.pocket.world.heads import _Head, _weights
from bases.pocket.world.looks import Look
from bases.pocket.world.people import camera
from bases.pocket.world.poses import Pose, pose_at
from bases.pocket.world.scenes import Scene


@dataclass(frozen=True)
class FaceTruth:
    """The faces of B clips of F frames.

    Attributes:
        landmarks: (B, F, 5, 2), x and y in pixels of the eye, the other eye, the nose and the two
            corners of the mouth, each pair from the left of the picture. One that is turned away
            stands where it would vanish, on the edge of the face.
        box: (B, F, 4), left, top, right and bottom of the face without its hair, in pixels.
        shown: (B, F, 5) in [0, 1], how much of each landmark the head's turn leaves to be seen; 0
            outside the picture. What a hand covers counts as seen.
    """

    landmarks: Tensor
    box: Tensor
    shown: Tensor


def face_truth(
    look: Look, scene: Scene, *, size: int, frames: int = 1, fps: float = 16.0
) -> FaceTruth:
    """Where `film` draws the faces, given the same arguments.

    Args:
        look: B individuals.
        scene: B scenes, on the same device.
        size: height and width in pixels.
        frames: frames a clip.
        fps: frames a second.
    """
    rows = torch.arange(len(look), device=look.skin.device).repeat_interleave(frames)
    look, scene = look[rows], scene[rows]
    seconds = torch.arange(frames, device=rows.device).repeat(len(rows) // frames) / fps
    pose = pose_at(look, scene, seconds)
    height, half = camera(scene.shot)
    centre = torch.stack((torch.zeros_like(height), height), -1)

    points, shown = landmarks_in_world(look, pose, scene.expression, scene.intensity)
    landmarks = to_pixels(points, centre, half, size)
    box = to_pixels(face_corners_in_world(look, pose), centre, half, size).flatten(1)
    inside = ((landmarks > -0.5) & (landmarks < size - 0.5)).all(-1)
    values = (landmarks, box, shown * inside)
    return FaceTruth(*(value.view(-1, frames, *value.shape[1:]) for value in values))


def landmarks_in_world(
    look: Look, pose: Pose, expression: Tensor, level: Tensor
) -> tuple[Tensor, Tensor]:
    """The five landmarks (N, 5, 2) in world units and how visible they are (N, 5)."""
    head = _Head(Canvas(pose.head, torch.ones_like(pose.yaw), 1), look, pose)
    middle = torch.zeros_like(pose.yaw)
    curve, opening = _weights(expression, level)[:2]
    eye_y, nose_y = 0.10 * head.height, -0.20 * head.height
    corner_y = -0.55 * head.height + 0.4 * curve

    spots = []
    gap = look.eye_gap
    for azimuth, reach, y in ((-gap, 1.0, eye_y), (gap, 1.0, eye_y), (middle, 1.02, nose_y)):
        x, _, shown = _place_or_limb(head, azimuth, reach)
        spots.append((x, y, shown))
    x, narrow, shown = _place_or_limb(head, middle, 0.93)
    half = look.mouth * narrow * (1 - 4 * opening.clamp_min(0) * (curve == 0))
    spots += [(x - half, corner_y, shown), (x + half, corner_y, shown)]
    local = torch.stack([torch.stack((x, y), -1) for x, y, _ in spots], 1)
    return _out_of_head(local, pose), torch.stack([shown for *_, shown in spots], 1)


def face_corners_in_world(look: Look, pose: Pose) -> Tensor:
    """The upper left and lower right corner (N, 2, 2) around each tilted face, in world units."""
    cos, sin = pose.roll.cos(), pose.roll.sin()
    half_w = ((look.face_width * cos) ** 2 + (look.face_height * sin) ** 2).sqrt()
    half_h = ((look.face_width * sin) ** 2 + (look.face_height * cos) ** 2).sqrt()
    reach = torch.stack((half_w, -half_h), -1)
    return torch.stack((pose.head - reach, pose.head + reach), 1)


def to_pixels(points: Tensor, centre_N2: Tensor, half_N: Tensor, size: int) -> Tensor:
    """World points (N, K, 2) in the pixels of a `Canvas` with this centre, half and size."""
    flipped = points.new_tensor((1.0, -1.0))
    screen = (points - centre_N2[:, None]) * flipped / half_N[:, None, None]
    return (screen + 1) * size / 2 - 0.5


def _place_or_limb(head: _Head, azimuth: Tensor, reach: float) -> tuple[Tensor, Tensor, Tensor]:
    """`_Head.place`, but what has turned past the face's edge stays on it."""
    angle = (azimuth + head.yaw).clamp(-torch.pi / 2, torch.pi / 2)
    x, narrow, _ = head.place(angle - head.yaw, reach)
    return x, narrow, head.place(azimuth, reach)[2]


def _out_of_head(local: Tensor, pose: Pose) -> Tensor:
    """Head-local points (N, K, 2) in the world."""
    cos, sin = pose.roll.cos()[:, None], pose.roll.sin()[:, None]
    x, y = local.unbind(-1)
    return pose.head[:, None] + torch.stack((x * cos - y * sin, x * sin + y * cos), -1)
