"""The film: looks and scenes in, clips out, a pure function of the two."""

from __future__ import annotations

import torch
from torch import Tensor

from bases.pocket.world.ball import paint_ball
from bases.pocket.world.camera import camera_at
from bases.pocket.world.canvas import Canvas
from bases.pocket.world.cast import Part, cast_of
from bases.pocket.world.looks import Look
from bases.pocket.world.people.body import paint_person
from bases.pocket.world.pets.body import paint_pet
from bases.pocket.world.places import paint_places
from bases.pocket.world.scenes import LIGHTS, Scene
from bases.pocket.world.things.body import paint_thing

_TINTS = {"day": (1.0, 1.0, 1.0), "dusk": (1.0, 0.80, 0.66), "night": (0.55, 0.60, 0.84)}


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
    return _filmed(look, scene, size=size, frames=frames, fps=fps, masks=0)[0]


@torch.no_grad()
def film_with_masks(
    look: Look, scene: Scene, *, size: int, frames: int = 1, fps: float = 16.0
) -> tuple[Tensor, Tensor]:
    """What `film` draws, and where its subjects are seen: (B, 1, frames, size, size) in [0, 1]."""
    return _filmed(look, scene, size=size, frames=frames, fps=fps, masks=1)


def _filmed(
    look: Look, scene: Scene, *, size: int, frames: int, fps: float, masks: int
) -> tuple[Tensor, Tensor]:
    look, scene, seconds = moments(look, scene, frames=frames, fps=fps)
    canvas = painted(look, scene, seconds, size=size, masks=masks)

    def by_clip(pictures: Tensor) -> Tensor:
        return pictures.unflatten(0, (-1, frames)).transpose(1, 2).contiguous()

    return by_clip(lit(canvas.picture_N3HW, scene)), by_clip(canvas.mask_NMHW)


def moments(look: Look, scene: Scene, *, frames: int, fps: float) -> tuple[Look, Scene, Tensor]:
    """B clips as N = B × frames moments: looks, scenes and seconds (N,).

    Raises:
        ValueError: if there are not as many individuals as scenes.
    """
    if len(look) != len(scene):
        raise ValueError(f"{len(look)} individuals for {len(scene)} scenes: give one a scene.")
    rows = torch.arange(len(look), device=look.device).repeat_interleave(frames)
    seconds = torch.arange(frames, device=look.device).repeat(len(rows) // frames) / fps
    return look[rows], scene[rows], seconds


def painted(look: Look, scene: Scene, seconds_N: Tensor, *, size: int, masks: int = 0) -> Canvas:
    """N moments as they are before light falls on them, and the masks of the cast if wanted."""
    camera = camera_at(scene, seconds_N)
    canvas = Canvas(camera.centre, camera.half, size, masks)
    cast = cast_of(look, scene, seconds_N)
    travel = sum((part.travel_in(len(scene)) for part in cast if part.leads), seconds_N * 0)
    paint_places(canvas, scene.place, scene.pan + travel + camera.shift, camera.zoom)
    for part in cast:
        with canvas.only(part.rows) as pictures:
            pictures.mark = 0 if part.leads else 1
            _paint(pictures, part)
    canvas.mark = None
    return canvas


def lit(picture_N3HW: Tensor, scene: Scene) -> Tensor:
    """Pictures in [-1, 1] of what was painted, in the light of each scene."""
    tint = picture_N3HW.new_tensor([_TINTS[name] for name in LIGHTS])[scene.light]
    light = (tint * scene.brightness[:, None])[:, :, None, None]
    return (picture_N3HW * light).clamp(0, 1) * 2 - 1


def _paint(canvas: Canvas, part: Part) -> None:
    scene = part.scene
    if part.kind == "person":
        paint_person(canvas, part.look.person, part.pose, scene.expression, scene.intensity)
        paint_ball(canvas, scene, part.seconds)
    elif part.kind == "pet":
        paint_pet(canvas, part.look.pet, part.pose, scene.expression, scene.intensity)
    else:
        paint_thing(canvas, part.look.thing, part.pose)
