"""How fast photos of 12 megapixels are audited, how the time grows with them, and in what memory.

    python -m benchmarks.intake --photos "[50, 200, 800]"

Each number runs in a process of its own, so that the peak is its own; what the decoding processes
take is counted with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil
from jsonargparse.typing import PositiveInt
from PIL import Image
from torch import Generator

from bases.pixels import as_frames
from bases.pocket.face_pictures import PEOPLE
from bases.pocket.world import film, sample_looks, sample_scenes
from benchmarks.scripts import run_script
from studio.tables import show_table

WIDTH, HEIGHT = 4000, 3000
_DRAWN = 12

_AUDIT = """
import json, sys, threading, time
from pathlib import Path
import psutil
from studio.onlookers import Onlookers
from subjects import PUPPETS
from subjects.audit import audit
from subjects.intake import Intake
own, peak, done = psutil.Process(), [0], threading.Event()
def watch():
    while not done.wait(0.05):
        everyone = [own, *own.children(recursive=True)]
        peak[0] = max(peak[0], sum(p.memory_info().rss for p in everyone if p.is_running()))
threading.Thread(target=watch, daemon=True).start()
paths = sorted(Path(sys.argv[1]).glob("*.jpg"))
finder = Onlookers().finder("person")
start = time.perf_counter()
with Intake(paths) as intake:
    audit(intake, faces=finder, limits=PUPPETS)
done.set()
print(json.dumps({"seconds": time.perf_counter() - start, "peak": peak[0]}))
"""


def measure(photos: tuple[PositiveInt, ...] = (50, 200, 800)) -> None:
    """Audit so many photos each and print a table.

    Args:
        photos: the numbers.
    """
    rows = []
    for count in photos:
        with tempfile.TemporaryDirectory() as folder:
            _draw(Path(folder), count)
            ran = subprocess.run(
                [sys.executable, "-c", _AUDIT, folder], check=True, capture_output=True, text=True
            )
        found = json.loads(ran.stdout.splitlines()[-1])
        seconds, peak = found["seconds"], found["peak"] / 2**30
        rows.append((str(count), f"{seconds:.1f}", f"{seconds / count:.3f}", f"{peak:.2f}"))
    show_table(("photos", "seconds", "seconds a photo", "peak GiB"), rows)
    print(f"{psutil.cpu_count()} cores.")


def _draw(folder: Path, count: int) -> None:
    """JPEGs of one individual, in the noise of a camera so that they weigh what photos do."""
    generator = Generator().manual_seed(96_000_000)
    look = sample_looks(1, generator)[[0] * _DRAWN]
    pictures = film(look, sample_scenes(_DRAWN, generator, PEOPLE), size=256)[:, :, 0]
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 6, (HEIGHT, WIDTH, 1)).astype(np.float32)
    for index, picture in enumerate(as_frames(pictures)):
        large = np.asarray(Image.fromarray(picture).resize((WIDTH, HEIGHT)), dtype=np.float32)
        pixels = (large + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:04d}.jpg", quality=90)
    for number in range(_DRAWN, count):
        os.link(folder / f"{number % _DRAWN:04d}.jpg", folder / f"{number:04d}.jpg")


if __name__ == "__main__":
    run_script(measure)
