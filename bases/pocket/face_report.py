"""How well a face package does on people that it was not trained on, through insightface itself."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from insightface.app import FaceAnalysis
from numpy.typing import NDArray
from onnxruntime import SessionOptions
from torch import Generator, Tensor

from bases.pixels import as_frames
from bases.pocket.face_pictures import ANYWHERE, PEOPLE, degrade
from bases.pocket.world import Look, film, sample_looks, sample_scenes
from bases.pocket.world.canvas import Canvas
from bases.pocket.world.film import lit
from bases.pocket.world.places import paint_places
from bases.pocket.world.scenes import LIGHTS, SHOTS
from bases.pocket.world.truth import face_truth

HELD_OUT_SEED = 10_000_000
PHOTO, FRAME = 256, 64

Floats = NDArray[np.float32]


def load_package(folder: Path) -> FaceAnalysis:
    """The package in a folder, ready to use on the CPU."""
    one_thread = SessionOptions()  # for networks this small, more only wait for each other
    one_thread.intra_op_num_threads = 1
    app = FaceAnalysis(
        name=str(folder), providers=["CPUExecutionProvider"], sess_options=one_thread
    )
    app.prepare(ctx_id=-1)
    return app


def report(folder: Path, *, people: int = 40, others: int = 100) -> str:
    """Measure the package in a folder.

    Args:
        folder: holds the two ONNX files.
        people: individuals who are looked for.
        others: further individuals in the gallery.
    """
    app = load_package(folder)
    lines = ["Detection, with the median landmark error in face widths"]
    lines += [f"  {name}: {_detection(app, size, named)}" for name, size, named in _ALBUMS]
    lines += [f"  places without anybody: {_false_alarms(app)}", "Recognition"]
    lines += [f"  {line}" for line in _recognition(app, people, others)]
    return "\n".join(lines)


_DARK = [("light", light) for light in LIGHTS if light not in PEOPLE.light]
_FRAMES = [*(("view", view) for view in PEOPLE.view), *_DARK]
_ALBUMS = [
    (f"{name} {kind}", size, {choice: name})
    for kind, size in (("photo", PHOTO), ("frame", FRAME))
    for choice, name in (*(("shot", shot) for shot in SHOTS), *_DARK)
]


def _detection(app: FaceAnalysis, size: int, named: dict[str, str], count: int = 150) -> str:
    generator = Generator().manual_seed(HELD_OUT_SEED)
    look, scene = sample_looks(count, generator), sample_scenes(count, generator, PEOPLE, **named)
    truth = face_truth(look, scene, size=size)
    pictures = film(look, scene, size=size)[:, :, 0]
    if size == FRAME:
        pictures = degrade(pictures, generator)
    errors, twice = [], 0
    for picture, points, box in zip(pictures, truth.landmarks[:, 0], truth.box[:, 0], strict=True):
        found = faces(app, picture)
        twice += len(found) > 1
        if found:
            apart = np.linalg.norm(found[0].kps - points.numpy(), axis=1).mean()
            errors.append(float(apart / (box[2] - box[0])))
    rate = sum(error < 0.15 for error in errors) / count
    median = np.median(errors) if errors else np.nan
    return f"{rate:.1%} found in place, {twice} of {count} doubled, {median:.1%}"


def _false_alarms(app: FaceAnalysis, count: int = 200) -> str:
    generator = Generator().manual_seed(HELD_OUT_SEED + 1)
    alarms = 0
    for size in (PHOTO, FRAME):
        scene = sample_scenes(count // 2, generator, ANYWHERE)
        canvas = Canvas(torch.zeros(len(scene), 2), torch.ones(len(scene)), size)
        paint_places(canvas, scene.place, scene.pan, torch.ones(len(scene)))
        alarms += sum(bool(faces(app, p)) for p in lit(canvas.picture_N3HW, scene))
    return f"{alarms} false alarms in {count}"


def _recognition(app: FaceAnalysis, people: int, others: int, photos: int = 8) -> list[str]:
    generator = Generator().manual_seed(HELD_OUT_SEED + 2)
    look = sample_looks(people + others, generator)
    albums = (_photos_of(look, person, photos, generator) for person in range(len(look)))
    gallery = np.stack([template(app, album) for album in albums])
    lines = [f"of {len(look)}"]
    for choice, name in _FRAMES:
        right, same, strangers = list[bool](), list[float](), list[Floats]()
        for person in range(people):
            frames = _photos_of(look, person, 4, generator, size=FRAME, **{choice: name})
            for vector in embeddings(app, degrade(frames, generator)):
                similar = gallery @ vector
                right.append(bool(similar.argmax() == person))
                same.append(similar[person])
                strangers.append(np.delete(similar, person))
        others_ = np.concatenate(strangers)
        lines.append(
            f"{name}: rank 1 {np.mean(right):.1%} of {len(right)} frames, "
            f"same {np.median(same):.2f} (5th percentile {np.quantile(same, 0.05):.2f}), "
            f"stranger {np.median(others_):.2f} (95th percentile {np.quantile(others_, 0.95):.2f})"
        )
    return lines


def _photos_of(
    look: Look, person: int, count: int, generator: Generator, *, size: int = PHOTO, **named: str
) -> Tensor:
    rows = torch.full((count,), person)
    return film(look[rows], sample_scenes(count, generator, PEOPLE, **named), size=size)[:, :, 0]


def template(app: FaceAnalysis, photos: Tensor) -> Floats:
    """The mean direction of one individual's photos (N, 3, S, S), of length 1."""
    mean: Floats = embeddings(app, photos).sum(0)
    return mean / np.float32(max(float(np.linalg.norm(mean)), 1e-9))


def embeddings(app: FaceAnalysis, pictures: Tensor) -> Floats:
    """The surest face's direction in each picture that has one: (up to N, 512), length 1."""
    found = [faces(app, picture) for picture in pictures]
    rows = [each[0].normed_embedding for each in found if each]
    return np.stack(rows) if rows else np.zeros((0, 512), np.float32)


def faces(app: FaceAnalysis, picture: Tensor) -> list[Any]:
    """The faces in a picture (3, H, W) in [-1, 1] that insightface finds, the surest first."""
    pixels = as_frames(picture[None])[0]
    with warnings.catch_warnings():
        # insightface aligns by a function that scikit-image is about to rename.
        warnings.simplefilter("ignore", FutureWarning)
        found = app.get(np.ascontiguousarray(pixels[..., ::-1]))
    return sorted(found, key=lambda face: -face.det_score)
