"""Endless pictures to train the face networks on: whole photos, and faces seen close.

Shape suffixes: N pictures, K = 2 faces at most.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bases.pocket.face_crops import norm_crop
from bases.pocket.world import Repertoire, Scene, film, sample_looks, sample_scenes
from bases.pocket.world.camera import camera_at
from bases.pocket.world.canvas import Canvas
from bases.pocket.world.film import lit
from bases.pocket.world.people.body import paint_person
from bases.pocket.world.people.look import PersonLook, sample_people
from bases.pocket.world.people.pose import person_pose
from bases.pocket.world.places import paint_places
from bases.pocket.world.scenes import ACTIONS_OF, LIGHTS, PLACES, VIEWS
from bases.pocket.world.truth import face_truth, landmarks_in_world, to_pixels

PEOPLE = Repertoire(
    kind=("person",),
    action=("stand", "walk", "jump", "wave", "dance", "clap"),
    place=("beach", "forest", "city", "room", "snow", "desert"),
    light=("day",),
    view=("front", "three-quarter", "profile"),
    move=("still",),
    company=("alone",),
)
"""Scenes by day of one person whose face is there to be seen, as most photos are."""
_FACING_US = tuple(action for action in ACTIONS_OF["person"] if action != "turn")
ANYWHERE = replace(PEOPLE, action=_FACING_US, place=PLACES, light=LIGHTS)
"""The same in any place and light, doing anything but turning away, as in clips."""

_CLOTHES = ("shirt", "shirt_second", "pattern", "trousers", "girth", "leg")
_HIDDEN, _SEEN = 0.05, 0.4
"""How much of the eyes and the nose a turned head shows of no face, and of a face to be found."""
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
    shares = ((64, count * 5 // 8), (96, count // 4), (size, count // 8))
    parts = [_paste(_draw(share, side, generator), size, generator) for side, share in shares]
    return Photos(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Photos)))


def portraits(
    look: PersonLook, sizes: dict[int, int], generator: Generator, scene: Scene | None = None
) -> Tensor:
    """Aligned faces (N, 3, 112, 112) of N individuals, dressed anew, each in a scene of its own.

    Args:
        look: N individuals.
        sizes: how many are drawn at how many pixels for the window around the head; the numbers
            add up to N and are dealt out at random.
        generator: decides everything else.
        scene: the N scenes; drawn by the generator if None.
    """
    scene = sample_scenes(len(look), generator, ANYWHERE) if scene is None else scene
    look = redressed(look, generator)
    order = torch.randperm(len(look), generator=generator)
    crops = torch.empty(len(look), 3, 112, 112)
    start = 0
    for size, count in sizes.items():
        rows = order[start : start + count]
        crops[rows] = _portraits_of_size(look[rows], scene[rows], size, generator)
        start += count
    return crops


def look_alikes(look: PersonLook, generator: Generator, keep: float = 0.7) -> PersonLook:
    """Individuals that share each trait, with probability `keep`, with one of `look`."""
    return look.mixed(sample_people(len(look), generator), generator, keep=keep)


def redressed(look: PersonLook, generator: Generator) -> PersonLook:
    """The same faces and hair on other bodies, in other clothes."""
    others = sample_people(len(look), generator)
    return replace(look, **{name: getattr(others, name) for name in _CLOTHES})


def degrade(pictures: Tensor, generator: Generator) -> Tensor:
    """Blur, fade, tint, stain and roughen pictures, as lenses, codecs and decoders do.

    Most are hardly touched; the worst look like the frames of a video model in training.

    Args:
        pictures: (N, 3, H, W) in [-1, 1].
        generator: a CPU generator; a GPU's pictures are roughened by one of its own, seeded by it.
    """
    (count, _, height, width), device = pictures.shape, pictures.device
    if device.type != "cpu":
        seed = int(torch.randint(2**62, (), generator=generator))
        generator = Generator(device).manual_seed(seed)

    def rand(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator, device=device)

    soft = _box_blur(pictures)
    softer = _box_blur(_box_blur(soft))
    blur = 2 * rand(1, 1, 1).square()
    picture = pictures.lerp(soft, blur.clamp_max(1)).lerp(softer, (blur - 1).clamp_min(0))
    grey = picture.mean(1, keepdim=True)
    picture = picture.lerp(grey, 0.25 * rand(1, 1, 1).square())
    gain, shift = 1 + 0.12 * (rand(1, 1, 1) - 0.5), 0.08 * (rand(3, 1, 1) - 0.5)
    gain = gain - 0.25 * rand(1, 1, 1) ** 4
    stains = torch.randn(count, 3, 8, 8, generator=generator, device=device)
    stains = stains * 0.2 * rand(1, 1, 1) ** 3
    stains = F.interpolate(stains, size=(height, width), mode="bilinear")
    noise = torch.randn(pictures.shape, generator=generator, device=device)
    noise = noise * 0.06 * rand(1, 1, 1).square()
    return (picture * gain + shift + stains + noise).clamp(-1, 1)


def _box_blur(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


@dataclass(frozen=True)
class _Drawn:
    """N pictures of people, and N empty places.

    `boxes` (N, 4) and `landmarks` (N, 5, 2) are of their faces, of which `shown` (N,) in [0, 1] is
    to be seen.
    """

    people: Tensor
    boxes: Tensor
    landmarks: Tensor
    shown: Tensor
    places: Tensor


def _draw(count: int, side: int, generator: Generator) -> _Drawn:
    look = sample_looks(count, generator)
    scene = _later(sample_scenes(count, generator, replace(ANYWHERE, view=VIEWS)), generator)
    truth = face_truth(look, scene, size=side)
    canvas = Canvas(torch.zeros(count, 2), torch.ones(count), side)
    place = torch.randint(len(PLACES), (count,), generator=generator)
    paint_places(canvas, place, scene.pan + 1, torch.ones(count))
    people = degrade(film(look, scene, size=side)[:, :, 0], generator)
    places = degrade(lit(canvas.picture_N3HW, scene), generator)
    seen = truth.shown[:, 0, :3].amax(-1)  # of the eyes and the nose
    return _Drawn(people, truth.box[:, 0], truth.landmarks[:, 0], seen, places)


def _later(scene: Scene, generator: Generator) -> Scene:
    """The scenes with the head turned as far as it is at some moment of the first two seconds."""
    moment = 2 * torch.rand(len(scene), generator=generator)
    return replace(scene, yaw=scene.yaw + scene.yaw_rate * moment)


def _paste(drawn: _Drawn, size: int, generator: Generator) -> Photos:
    """Lay one picture of a person, two or none of them over a background."""
    count, side = len(drawn.people), drawn.people.shape[-1]
    shown, scale, centre = _arrange(count, generator)
    picture = _background(drawn.places, ~shown[:, 0], size, generator)
    boxes, landmarks, seen = [], [], []
    for layer in range(2):
        rows = torch.arange(count).roll(layer)
        picture = _lay(picture, drawn.people[rows], centre[:, layer], scale, shown[:, layer])
        factor = (scale * size / side)[:, None, None]
        offset = ((centre[:, layer] + 1 - scale[:, None]) * size / 2)[:, None]
        corners = drawn.boxes[rows].view(count, 2, 2)
        boxes.append(((corners + 0.5) * factor + offset - 0.5).flatten(1))
        landmarks.append((drawn.landmarks[rows] + 0.5) * factor + offset - 0.5)
        seen.append(drawn.shown[rows])
    box, turned_to_us = torch.stack(boxes, 1), torch.stack(seen, 1)
    inside, wide = _share_inside(box, size), box[..., 2] - box[..., 0] > 11
    present = shown & (inside > 0.72) & wide & (turned_to_us > _SEEN)
    doubtful = shown & ~present & (inside > 0.05) & (turned_to_us > _HIDDEN)
    return Photos(picture, box, torch.stack(landmarks, 1), present, doubtful)


def _arrange(count: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """How up to two pictures lie on each of N photos.

    Returns:
        whether each is there (N, 2); how large they are (N,), 1 for as large as the photo; where
        their middles are (N, 2, 2), x right and y down in [-1, 1].
    """

    def rand(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    kind = rand()
    plain, nobody, pair = kind < 0.45, kind > 0.88, (kind > 0.62) & (kind <= 0.88)
    scale = torch.where(pair, 0.32 + 0.18 * rand(), 0.25 + 1.25 * rand().square())
    scale = scale.masked_fill(plain, 1.0)
    first = (rand(2) * 2 - 1) * torch.where(scale < 1, 1.15 - scale, scale - 0.75)[:, None]
    first[:, 0] = torch.where(pair, rand() * 0.1 - 0.5, first[:, 0])
    first = first.masked_fill(plain[:, None], 0.0)
    second = torch.stack((first[:, 0] + 1, first[:, 1].roll(1)), -1)
    return torch.stack((~nobody, pair), 1), scale, torch.stack((first, second), 1)


def _background(places: Tensor, nobody: Tensor, size: int, generator: Generator) -> Tensor:
    """An empty place, surely so where there is nobody, a plain colour or black."""
    count = len(places)

    def rand(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    colour = (rand(3, 1, 1) * 2 - 1).masked_fill(rand(1, 1, 1) < 0.3, -1.0)
    large = F.interpolate(places, size=(size, size), mode="bilinear")
    is_place = (rand(1, 1, 1) < 0.5) | nobody[:, None, None, None]
    return torch.where(is_place, large, colour)


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


def _portraits_of_size(look: PersonLook, scene: Scene, size: int, generator: Generator) -> Tensor:
    count = len(look)
    seconds = 2 * torch.rand(count, generator=generator)
    pose = person_pose(look, scene, seconds)
    half = torch.full((count,), _WINDOW)
    centre = pose.head + 0.015 * torch.randn(count, 2, generator=generator)
    canvas = Canvas(centre, half, size)
    paint_places(canvas, scene.place, scene.pan + pose.travel, torch.ones(count))
    paint_person(canvas, look, pose, scene.expression, scene.intensity)
    pictures = lit(canvas.picture_N3HW, scene)
    pictures = degrade(pictures, generator)
    camera = camera_at(scene, seconds)
    height, reach = camera.centre[:, 1, None, None], camera.half[:, None, None]
    outside = (canvas.x_NHW.abs() > reach) | ((canvas.y_NHW - height).abs() > reach)
    pictures = pictures.masked_fill(outside[:, None], -1.0)

    points, _ = landmarks_in_world(look, pose, scene.expression, scene.intensity)
    together = 0.008 * torch.randn(count, 1, 2, generator=generator)
    apart = 0.007 * torch.randn(count, 5, 2, generator=generator)
    return norm_crop(pictures, to_pixels(points + together + apart, centre, half, size))
