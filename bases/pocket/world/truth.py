"""The truth of every clip, from the same poses that the painter paints.

Pixels are counted as OpenCV and insightface count them: (0, 0) is the middle of the first pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bases.pocket.world.ball import ball_at
from bases.pocket.world.camera import Camera, camera_at
from bases.pocket.world.canvas import Canvas
from bases.pocket.world.cast import Part, cast_of
from bases.pocket.world.expressions import face_moves
from bases.pocket.world.film import lit, moments, painted
from bases.pocket.world.looks import Look
from bases.pocket.world.people.head import Head
from bases.pocket.world.people.look import PersonLook
from bases.pocket.world.people.pose import PersonPose
from bases.pocket.world.scenes import Scene

JOINTS = (
    "head", "shoulders", "hips",
    "left elbow", "right elbow", "left hand", "right hand", "left foot", "right foot",
)  # fmt: skip
"""Of a person, left and right as the picture shows them."""


@dataclass(frozen=True)
class FaceTruth:
    """The faces of B clips of F frames in which people lead.

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


@dataclass(frozen=True)
class ClipTruth:
    """B clips of F frames; pixels unless said otherwise.

    Attributes:
        masks: (B, 2, F, H, W) in [0, 1], where the subject is seen, and who stands beside it.
        joints: (B, F, 9, 2), see `JOINTS`; of pets and objects the first alone, their head or
            middle, and NaN for the rest.
        ball: (B, F, 2), the middle of the ball that is kicked; NaN where there is none.
        lift: (B, F), how high over the ground the subject's feet or lowest point are, world units.
        scale: (B, F), pixels a world unit.
        camera: of B × F moments.
    """

    masks: Tensor
    joints: Tensor
    ball: Tensor
    lift: Tensor
    scale: Tensor
    camera: Camera

    def to(self, device: torch.device) -> ClipTruth:
        """The same on another device."""
        return ClipTruth(**{name: part.to(device) for name, part in vars(self).items()})


def clip_truth(
    look: Look, scene: Scene, *, size: int, frames: int = 1, fps: float = 16.0
) -> ClipTruth:
    """What `film` draws, given the same arguments."""
    return film_with_truth(look, scene, size=size, frames=frames, fps=fps)[1]


@torch.no_grad()
def film_with_truth(
    look: Look, scene: Scene, *, size: int, frames: int = 1, fps: float = 16.0
) -> tuple[Tensor, ClipTruth]:
    """What `film` draws, given the same arguments, and what is true of it."""
    look, scene, seconds = moments(look, scene, frames=frames, fps=fps)
    canvas = painted(look, scene, seconds, size=size, masks=2)
    camera = camera_at(scene, seconds)
    joints = torch.full((len(scene), len(JOINTS), 2), torch.nan, device=look.device)
    lift = torch.zeros(len(scene), device=look.device)
    ball = torch.full((len(scene), 1, 2), torch.nan, device=look.device)
    for part in cast_of(look, scene, seconds):
        if part.leads:
            points = _joints(part)
            joints[part.rows, : points.shape[1]] = points
            lift[part.rows] = part.pose.lift
            kicks = (part.scene.does("kick") > 0)[:, None, None]
            centre = ball_at(part.scene, part.seconds)[:, None]
            ball[part.rows] = torch.where(kicks, centre, torch.nan)
    view = (camera.centre, camera.half, size)

    def by_clip(values: Tensor) -> Tensor:
        return values.unflatten(0, (-1, frames))

    clips = by_clip(lit(canvas.picture_N3HW, scene)).transpose(1, 2).contiguous()
    return clips, ClipTruth(
        masks=by_clip(canvas.mask_NMHW).transpose(1, 2),
        joints=by_clip(to_pixels(joints, *view)),
        ball=by_clip(to_pixels(ball, *view)[:, 0]),
        lift=by_clip(lift),
        scale=by_clip(size / 2 / camera.half),
        camera=camera,
    )


def _joints(part: Part) -> Tensor:
    """World points (N, K, 2) in the order of `JOINTS`."""
    pose = part.pose
    if part.kind == "object":
        return torch.stack([pose.centre], 1)
    if part.kind == "pet":
        return torch.stack([pose.head], 1)
    middle = torch.stack((pose.head, pose.shoulders, pose.hips), 1)
    return torch.cat((middle, pose.elbows, pose.hands, pose.feet), 1)


def face_truth(
    look: Look, scene: Scene, *, size: int, frames: int = 1, fps: float = 16.0
) -> FaceTruth:
    """Where `film` draws the faces of people, given the same arguments.

    Args:
        look: B individuals.
        scene: B scenes of people, on the same device.
        size: height and width in pixels.
        frames: frames a clip.
        fps: frames a second.
    """
    look, scene, seconds = moments(look, scene, frames=frames, fps=fps)
    lead = next(part for part in cast_of(look, scene, seconds) if part.leads)
    camera = camera_at(scene, seconds)
    view = (camera.centre, camera.half, size)
    person, pose = lead.look.person, lead.pose
    points, shown = landmarks_in_world(person, pose, scene.expression, scene.intensity)
    landmarks = to_pixels(points, *view)
    box = to_pixels(face_corners_in_world(person, pose), *view).flatten(1)
    inside = ((landmarks > -0.5) & (landmarks < size - 0.5)).all(-1)
    values = (landmarks, box, shown * inside)
    return FaceTruth(*(value.unflatten(0, (-1, frames)) for value in values))


def landmarks_in_world(
    look: PersonLook, pose: PersonPose, expression: Tensor, level: Tensor
) -> tuple[Tensor, Tensor]:
    """The five landmarks (N, 5, 2) in world units and how visible they are (N, 5)."""
    head = Head(Canvas(pose.head, torch.ones_like(pose.yaw), 1), look, pose)
    middle = torch.zeros_like(pose.yaw)
    curve, opening = face_moves(expression, level)[:2]
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


def face_corners_in_world(look: PersonLook, pose: PersonPose) -> Tensor:
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


def _place_or_limb(head: Head, azimuth: Tensor, reach: float) -> tuple[Tensor, Tensor, Tensor]:
    """`Head.place`, but what has turned past the face's edge stays on it."""
    angle = (azimuth + head.yaw).clamp(-torch.pi / 2, torch.pi / 2)
    x, narrow, _ = head.place(angle - head.yaw, reach)
    return x, narrow, head.place(azimuth, reach)[2]


def _out_of_head(local: Tensor, pose: PersonPose) -> Tensor:
    """Head-local points (N, K, 2) in the world."""
    cos, sin = pose.roll.cos()[:, None], pose.roll.sin()[:, None]
    x, y = local.unbind(-1)
    return pose.head[:, None] + torch.stack((x * cos - y * sin, x * sin + y * cos), -1)
