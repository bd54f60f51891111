"""What becomes of damaged and crafted files: each must get a verdict, in time and in little memory.

    python -m benchmarks.fuzz --pictures 50000 --archives 2000

Valid files of every format are changed at random, bytes by bytes and pieces by pieces, as a seed
says. The table tells how many were still decoded and what was said of the others; decoders that
died are counted, though whoever adds photos only sees that one of them is damaged.
"""

from __future__ import annotations

import io
import itertools
import tempfile
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from jsonargparse.typing import NonNegativeInt
from numpy.typing import NDArray
from PIL import Image
from pillow_heif import register_heif_opener
from tqdm import tqdm

from benchmarks.scripts import run_script
from studio.tables import show_table
from subjects.errors import PhotoError
from subjects.intake import Intake

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF")
_ENDINGS = {"JPEG": ".jpg", "HEIF": ".heic"}
_CRASHED = "damaged: the decoder crashed over it"
_BATCH = 250
_SIDE = 96


@dataclass
class Found:
    """What became of the files.

    Attributes:
        outcomes: how many were decoded, or what was said.
        slowest: seconds that one took.
        largest: bytes that one decoder held.
        strays: files that were there afterwards and had not been before.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    largest: int = 0
    strays: int = 0


def measure(
    pictures: NonNegativeInt = 50_000, archives: NonNegativeInt = 2_000, seed: NonNegativeInt = 0
) -> None:
    """Change files, try to read them, and print what became of them.

    Args:
        pictures: how many damaged pictures.
        archives: how many damaged archives, of two small pictures each.
        seed: of the changes.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for name, made, count in (
        ("pictures", _pictures(rng), pictures),
        ("archives", _archives(rng), archives),
    ):
        found = Found()
        with tqdm(total=count, desc=name) as bar:
            while bar.n < count:
                batch = list(itertools.islice(made, min(_BATCH, count - bar.n)))
                _try(batch, found)
                bar.update(len(batch))
        rows += _rows(name, found)
    show_table(("files", "what became of them", "how many"), rows)


def _rows(name: str, found: Found) -> list[tuple[str, str, str]]:
    told = [(name, said, str(count)) for said, count in found.outcomes.most_common(8)]
    return [
        *told,
        (name, "decoders that died", str(found.outcomes[_CRASHED])),
        (name, "the slowest", f"{found.slowest:.2f} s"),
        (name, "a decoder held at most", f"{found.largest / 2**20:.0f} MiB"),
        (name, "files written", str(found.strays)),
    ]


def _try(batch: list[tuple[str, bytes]], found: Found) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "in"
        folder.mkdir()
        paths = [folder / f"{number:03d}{ending}" for number, (ending, _) in enumerate(batch)]
        for path, (_, content) in zip(paths, batch, strict=True):
            path.write_bytes(content)
        with _watched(found), Intake(paths) as intake:
            start = time.perf_counter()
            for said in intake.pictures(intake.sources):
                now = time.perf_counter()
                found.slowest, start = max(found.slowest, now - start), now
                found.outcomes[_kind(said)] += 1
        there = {path for path in Path(place).rglob("*") if path.is_file()}
        found.strays += len(there - set(paths))


def _kind(said: Image.Image | PhotoError) -> str:
    """What was said, less the particulars."""
    if isinstance(said, Image.Image):
        return "decoded"
    return said.reason.split("(")[0].split(";")[0].split(",")[0].strip()[:60]


class _watched:
    """Notes the most memory that a child of this process holds meanwhile."""

    def __init__(self, found: Found) -> None:
        self._found, self._done = found, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._done.wait(0.02):
            for child in own.children():
                try:
                    self._found.largest = max(self._found.largest, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue


def _pictures(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Endless damaged pictures with their endings."""
    register_heif_opener()
    valid = [(name, _valid(name, rng)) for name in FORMATS for _ in range(4)]
    while True:
        name, content = valid[rng.integers(len(valid))]
        yield _ENDINGS.get(name, f".{name.lower()}"), _changed(content, rng)


def _archives(rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Endless damaged archives."""
    while True:
        buffer = io.BytesIO()
        packing = zipfile.ZIP_DEFLATED if rng.integers(2) else zipfile.ZIP_STORED
        with zipfile.ZipFile(buffer, "w", packing) as archive:
            for number in range(2):
                archive.writestr(f"{number}.png", _valid("PNG", rng))
        yield ".zip", _changed(buffer.getvalue(), rng)


def _valid(name: str, rng: np.random.Generator) -> bytes:
    small = rng.integers(0, 256, (6, 8, 3), np.uint8)
    picture = Image.fromarray(small).resize((_SIDE, _SIDE * 3 // 4), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, format=name)
    return buffer.getvalue()


def _changed(content: bytes, rng: np.random.Generator) -> bytes:
    """A file with one to four changes; near its head a change tells most, so half are there."""
    data: NDArray[np.uint8] = np.frombuffer(content, np.uint8)
    for _ in range(rng.integers(1, 5)):
        if len(data) < 4:
            break
        reach = len(data) if rng.integers(2) else min(64, len(data))
        at, length = int(rng.integers(reach)), int(rng.integers(1, 33))
        noise = rng.integers(0, 256, length, np.uint8)
        piece = data[at : at + length]
        end = data[at + length :]
        data = (
            np.concatenate((data[:at], noise[: len(piece)], end)),
            np.concatenate((data[:at], noise, data[at:])),
            np.concatenate((data[:at], end)),
            np.concatenate((data[:at], piece, data[at:])),
            np.concatenate((data[:at], np.full(len(piece), 255, np.uint8), end)),
            np.concatenate((data[:at], np.zeros(len(piece), np.uint8), end)),
            data[: max(at, 1)],
        )[rng.integers(7)]
    return data.tobytes()


if __name__ == "__main__":
    run_script(measure)
