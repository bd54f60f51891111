"""The demo: a sample subject goes the whole way, and everything on it is measured."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bases.files import whole_file
from bases.hub import open_base
from bases.pocket import SAMPLE
from bases.video import Frames, write_mp4
from finetune.train import train
from inference.clip import Clip, settings_of
from inference.likeness import (
    ceiling,
    clip_embeddings,
    is_nearest,
    likeness,
    motion,
)
from inference.render import Renderer
from inference.sheet import sheet, strip
from studio.asking import Terms
from studio.gallery import gallery
from studio.home import open_home
from studio.onlookers import face_finder
from studio.places import check_folder
from studio.quiet import hush
from studio.subjects import add_from_photos
from studio.tables import show_table
from studio.training import arguments
from subjects import Finder, Subject, delete_subject
from subjects.subject import folder_of

NAME, PROMPT, OTHERS = "mira", "waving at the beach, close-up, happy, facing the camera", 100


def run_demo(
    out: Path,
    *,
    seed: int,
    steps: int | None = None,
    base: str = "pocket",
    photos: Path = SAMPLE,
) -> dict[str, Any]:
    """Photos, training, two clips of the same prompt and seed, and their measures.

    Args:
        out: folder for `with.mp4`, `without.mp4`, `sheet.png` and `report.json`; in its `home`,
            what an earlier demo made is made anew.
        seed: of the clips' noise.
        steps: of the training; the recipe's own if None.
        base: name or folder of the base.
        photos: folder of the subject's photos.

    Returns:
        the report.
    """
    hush()
    check_folder(out)
    home, seconds = open_home(out / "home"), dict[str, float]()
    if folder_of(home, NAME).is_dir():
        delete_subject(home, NAME)
    with _timed("audit", seconds):
        subject = add_from_photos(
            NAME,
            [photos],
            kind="person",
            terms=Terms(whose=f"{NAME}, a drawing", ground="synthetic"),
            home=home,
        )
    with _timed("train", seconds):
        extra = [] if steps is None else [f"--trainer.max_steps={steps}"]
        adapter = train(arguments(NAME, base=base, config=None, extra=extra, home=home))
    renderer, clip = Renderer(open_base(base)), Clip(seed=seed)
    prompt = f"{subject.called}, {PROMPT}"
    with _timed("render", seconds), renderer.adapter(adapter):
        adapted = renderer.render(prompt, clip)
    plain = renderer.render(prompt, clip)

    report = measure(subject, adapted, plain, face_finder("pocket"))
    report |= {
        "seconds": {part: round(taken, 1) for part, taken in seconds.items()},
        "steps": adapter.run["experts"][0]["steps"],
        "base": base,
        "seed": seed,
    }
    settings = settings_of(renderer.base, prompt, clip)
    write_mp4(out / "with.mp4", adapted, fps=renderer.base.fps, settings=settings)
    write_mp4(out / "without.mp4", plain, fps=renderer.base.fps, settings=settings)
    _draw(out, subject, adapted, plain)
    with whole_file(out / "report.json") as partial:
        partial.write_text(json.dumps(report, indent=2) + "\n")
    _print(report)
    return report


def measure(subject: Subject, adapted: Frames, plain: Frames, finder: Finder) -> dict[str, Any]:
    """Likeness and motion of a clip with the adapter and one without."""
    photos = subject.face_embeddings(finder)
    faces = clip_embeddings(adapted, finder)
    return {
        "likeness": {
            "ceiling": ceiling(photos),
            "adapter": likeness(faces, photos).median,
            "base": likeness(clip_embeddings(plain, finder), photos).median,
            "rank1": is_nearest(faces, photos, gallery(OTHERS, finder)),
            "gallery": OTHERS,
        },
        "motion": {"adapter": motion(adapted), "base": motion(plain)},
    }


def _draw(out: Path, subject: Subject, adapted: Frames, plain: Frames) -> None:
    pictures = [photo.open() for photo in subject.kept][:8]
    rows = [
        (f"{subject.name}: the photos", pictures),
        (f"without the adapter: {PROMPT}", strip(plain, 8)),
        (f"with the adapter: {PROMPT}", strip(adapted, 8)),
    ]
    sheet(rows).save(out / "sheet.png")


def _print(report: dict[str, Any]) -> None:
    rows = [
        (group, name, f"{value:.3f}" if isinstance(value, float) else str(value))
        for group in ("likeness", "motion", "seconds")
        for name, value in report[group].items()
    ]
    show_table(("measure", "of", "value"), rows)


@contextmanager
def _timed(part: str, seconds: dict[str, float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - start
