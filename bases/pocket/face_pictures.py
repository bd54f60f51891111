"""Endless pictures to train the face networks on: whole photos, and faces seen close.

Shape suffixes: N pictures, K = 2 faces at most.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bases.pocket.face_crops import norm_crop
from bases.pocket.world import Look, Scene, film, sample_looks, sample_scenes
from bases.pocket.world.canvas import Canvas
from bases.pocket.world.people import camera, paint_person
from bases.pocket.world.places import paint_places
from bases.pocket.world.poses import pose_at
from bases.pocket.world.truth import face_truth, landmarks_in_world, to_pixels

_CLOTHES = ("shirt", "shirt_second", "pattern", "trousers", "girth", "leg")
_WINDOW = 0.36
"""Half the side, in world units, of the window around a head that `portraits` draws."""


@dataclass(frozen=True)
class Photos:
    """N pictures (N, 3, S, S) in [-1, 1] with up to two faces each.

    `boxes` (N, 2, 4) and `landmarks` (N, 2, 5, 2) are in pixels; `present` (N, 2) says which of
    them hold a face to find, `doubtful` (N, 2) which hold too little of one to be marked wrong.
    """

    pictures: Tensor
    boxes: Tensor
    landmarks: Tensor
    present: Tensor
    doubtful: Tensor


def photos(count: int, size: int, generator: Generator) -> Photos:
    """Photos as people upload them: near and far, cropped, framed, of two people, of nobody.

    Most are drawn at 64 pixels, as a video's frames are, and enlarged; `count` is a multiple of 8.
    """
    shares = {64: count * 5 // 8, 96: count // 4, size: count // 8}
    parts = [
        _paste(*_draw(share, side, generator), size, generator) for side, share in shares.items()
    ]
    return Photos(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Photos)))


def portraits(look: Look, sizes: dict[int, int], generator: Generator) -> Tensor:
    """Aligned faces (N, 3, 112, 112) of N individuals, dressed anew, each in a scene of its own.

    Args:
        look: N individuals.
        sizes: how many are drawn at how many pixels for the window around the head; the numbers
            add up to N and are dealt out at random.
        generator: decides everything else.
    """
    look = redressed(look, generator)
    order = torch.randperm(len(look), generator=generator)
    crops = torch.empty(len(look), 3, 112, 112)
    start = 0
    for size, count in sizes.items():
        rows = order[start : start + count]
        crops[rows] = _portraits_of_size(look[rows], size, generator)
        start += count
    return crops


def look_alikes(look: Look, generator: Generator, keep: float = 0.7) -> Look:
    """Individuals that share most traits, each trait with probability `keep`, with one of `look`."""
    others = sample_looks(len(look), generator)

    def mixed(own: Tensor, other: Tensor) -> Tensor:
        kept = torch.rand(len(look), generator=generator) < keep
        return torch.where(kept.view(-1, *[1] * (own.ndim - 1)), own, other)

    return Look(
        **{f.name: mixed(getattr(look, f.name), getattr(others, f.name)) for f in fields(Look)}
    )


def redressed(look: Look, generator: Generator) -> Look:
    """The same faces and hair on other bodies, in other clothes."""
    others = sample_looks(len(look), generator)
    return replace(look, **{name: getattr(others, name) for name in _CLOTHES})


def degrade(pictures: Tensor, generator: Generator) -> Tensor:
    """Blur, fade, tint and roughen pictures a little, as lenses, codecs and decoders do."""
    count = len(pictures)

    def rand(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    soft = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    blurred = pictures + (soft - pictures) * rand(1, 1, 1).square()
    grey = blurred.mean(1, keepdim=True)
    grey = grey + 0.15 * (rand(1, 1, 1) - 0.5) * (blurred - grey)
    vivid = blurred + (grey - blurred) * (0.10 * rand(1, 1, 1))
    gain, shift = 1 + 0.12 * (rand(1, 1, 1) - 0.5), 0.08 * (rand(3, 1, 1) - 0.5)
    noise = torch.randn(pictures.shape, generator=generator) * 0.06 * rand(1, 1, 1).square()
    return (vivid * gain + shift + noise).clamp(-1, 1)


def _draw(count: int, side: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pictures of people, their boxes and landmarks, and pictures of the places alone."""
    look, scene = sample_looks(count, generator), _later(sample_scenes(count, generator), generator)
    truth = face_truth(look, scene, size=side)
    canvas = Canvas(torch.zeros(count, 2), torch.ones(count), side)
    paint_places(canvas, torch.randint(6, (count,), generator=generator), scene.pan + 1)
    return film(look, scene, size=side)[:, :, 0], truth.box[:, 0], truth.landmarks[:, 0], canvas.picture_N3HW * 2 - 1


def _later(scene: Scene, generator: Generator) -> Scene:
    """The scenes with the head turned as far as it is at some moment of the first two seconds."""
    moment = 2 * torch.rand(len(scene), generator=generator)
    return replace(scene, yaw=scene.yaw + scene.yaw_rate * moment)


def _paste(
    people: Tensor, boxes: Tensor, landmarks: Tensor, places: Tensor, size: int, generator: Generator
) -> Photos:
    """Lay one picture of a person, two or none of them over a background."""
    count, side = len(people), people.shape[-1]

    def rand(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    kind = rand()
    plain, nobody, pair = kind < 0.45, kind > 0.88, (kind > 0.62) & (kind <= 0.88)
    scale = 0.25 + 1.25 * rand().square()
    scale = torch.where(plain, torch.ones(count), torch.where(pair, 0.32 + 0.18 * rand(), scale))
    middle = (rand(2) * 2 - 1) * torch.where(scale < 1, 1.15 - scale, scale - 0.75)[:, None]
    middle = torch.where(plain[:, None], torch.zeros(()), middle)
    left = torch.stack((rand() * 0.1 - 0.5, middle[:, 1]), -1)
    middle = torch.where(pair[:, None], left, middle)

    flat = (rand(3, 1, 1) * 2 - 1) * (rand(1, 1, 1) < 0.7) - (rand(1, 1, 1) < 0.2).float()
    large = F.interpolate(places, size=(size, size), mode="bilinear")
    use_place = (rand(1, 1, 1) < 0.5) | nobody[:, None, None, None]
    picture = torch.where(use_place, large, flat.clamp(-1, 1).expand_as(large))

    found = []
    for layer, shown in enumerate((~nobody, pair)):
        rows = torch.arange(count).roll(layer)
        centre = middle if layer == 0 else torch.stack((middle[:, 0] + 1.0, middle.roll(1, 0)[:, 1]), -1)
        centre = torch.where(plain[:, None] & (layer == 0), torch.zeros(()), centre)
        picture = _lay(picture, people[rows], centre, scale, shown)
        factor = (scale * size / side)[:, None, None]
        offset = ((centre + 1) * size / 2 - scale[:, None] * size / 2)[:, None]
        corners = (boxes[rows].unflatten(1, (2, 2)) + 0.5) * factor + offset - 0.5
        points = (landmarks[rows] + 0.5) * factor + offset - 0.5
        found.append((corners.flatten(1), points, shown))
    box, points, shown = (torch.stack(value, 1) for value in zip(*found, strict=True))
    inside = _share_inside(box, size)
    small = (box[..., 2] - box[..., 0]) < 11
    present = shown & (inside > 0.72) & ~small
    return Photos(degrade(picture, generator), box, points, present, shown & ~present & (inside > 0.05))


def _lay(picture: Tensor, layer: Tensor, centre: Tensor, scale: Tensor, shown: Tensor) -> Tensor:
    """Lay pictures over others: `centre` (N, 2) in [-1, 1], `scale` 1 covers the whole."""
    theta = torch.zeros(len(picture), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 1 / scale
    theta[:, :, 2] = -centre / scale[:, None]
    grid = F.affine_grid(theta, list(picture.shape), align_corners=False)
    drawn = F.grid_sample(layer, grid, padding_mode="border", align_corners=False)
    covers = (grid.abs() <= 1).all(-1)[:, None] & shown[:, None, None, None]
    return torch.where(covers, drawn, picture)


def _share_inside(box: Tensor, size: int) -> Tensor:
    """How much of each box (..., 4) lies inside the picture."""
    cut = box.clamp(0, size - 1)

    def area(b: Tensor) -> Tensor:
        return (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])

    return area(cut) / area(box)


def _portraits_of_size(look: Look, size: int, generator: Generator) -> Tensor:
    count = len(look)
    scene = sample_scenes(count, generator)
    pose = pose_at(look, scene, 2 * torch.rand(count, generator=generator))
    half = torch.full((count,), _WINDOW)
    centre = pose.head + 0.015 * torch.randn(count, 2, generator=generator)
    canvas = Canvas(centre, half, size)
    paint_places(canvas, scene.place, pose.pan)
    paint_person(canvas, look, pose, scene.expression, scene.intensity)
    pictures = (canvas.picture_N3HW * scene.light[:, None, None, None]).clamp(0, 1) * 2 - 1
    pictures = degrade(pictures, generator)
    height, reach = (value[:, None, None] for value in camera(scene.shot))
    outside = (canvas.x_NHW.abs() > reach) | ((canvas.y_NHW - height).abs() > reach)
    pictures = pictures.masked_fill(outside[:, None], -1.0)

    points, _ = landmarks_in_world(look, pose, scene.expression, scene.intensity)
    together = 0.008 * torch.randn(count, 1, 2, generator=generator)
    apart = 0.007 * torch.randn(count, 5, 2, generator=generator)
    return norm_crop(pictures, to_pixels(points + together + apart, centre, half, size))
