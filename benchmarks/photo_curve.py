"""Whether more photos come closer: likeness of adapters trained on 1 to 32 of an individual.

    python -m benchmarks.photo_curve --subjects 2 --out runs/photo_curve

The photos differ in place, view, shot and expression, and so do eight others that are never trained
on, with which clips of scenes of all the base's world are compared.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

from jsonargparse.typing import NonNegativeInt, PositiveInt

from bases.pixels import as_frames
from bases.pocket.draw_sample import SEED, sample_photos, write_photos
from benchmarks.adapters import adapter_likeness
from benchmarks.scripts import run_script
from studio.onlookers import face_finder
from studio.quiet import hush
from studio.tables import show_table
from subjects import POCKET, PUPPETS, Finder

_REFERENCES = 8


def measure(
    numbers: tuple[PositiveInt, ...] = (1, 2, 4, 8, 16, 32),
    subjects: PositiveInt = 2,
    out: Path = Path("runs/photo_curve"),
    first: NonNegativeInt = 1,
    base: str = "pocket",
) -> None:
    """Train on so many photos each, print the likenesses and draw them.

    Args:
        numbers: of photos.
        subjects: individuals.
        out: keeps what was trained, `photo_curve.json` and `curve.png`; what is there is not made
            again.
        first: the number of the first individual; 0 is the demo's.
        base: name or folder of the base; another one wants another `out`.
    """
    hush()
    finder = face_finder(POCKET)
    curves = {
        who: {n: _kept(out / f"{who}-{n}", who, n, finder, base) for n in numbers}
        for who in range(first, first + subjects)
    }
    (out / "photo_curve.json").write_text(json.dumps(curves, indent=2) + "\n")
    _plot(curves, numbers, out / "curve.png")
    rows = [
        (str(number), *(f"{curve[number]:.2f}" for curve in curves.values())) for number in numbers
    ]
    show_table(("photos", *(f"individual {who}" for who in curves)), rows)


def _kept(folder: Path, who: int, number: int, finder: Finder, base: str) -> float:
    """The likeness with so many photos of one individual, measured once and then read."""
    kept = folder / "likeness.json"
    if not kept.is_file():
        _, pictures = sample_photos(SEED + who, count=number + _REFERENCES)
        write_photos(pictures[_REFERENCES:], folder / "photos")
        likeness = adapter_likeness(
            sorted((folder / "photos").iterdir()),
            list(as_frames(pictures[:_REFERENCES])),
            base=base,
            home=folder,
            finder=finder,
            limits=PUPPETS,
            number=who,
        )
        kept.write_text(json.dumps(likeness))
    return float(json.loads(kept.read_text()))


def _plot(curves: dict[int, dict[int, float]], numbers: tuple[int, ...], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for curve in curves.values():
        axes.plot(numbers, [curve[number] for number in numbers], color="0.75")
    middle = [median(curve[number] for curve in curves.values()) for number in numbers]
    axes.plot(numbers, middle, marker="o", label=f"median of {len(curves)}")
    axes.set(xscale="log", xlabel="photos", ylabel="likeness, of the photos' own", ylim=(0, 1.05))
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.minorticks_off()
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    run_script(measure)
