"""Whether more photos come closer: likeness of adapters trained on 1 to 32 of an individual.

    python -m benchmarks.photo_curve --subjects 2 --out runs/photo_curve

Those of a diverse set differ in place, view, shot and expression; those of a narrow one are all
alike. Clips of scenes of all the base's world are compared with eight that differ and are never
trained on.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Literal

from jsonargparse.typing import NonNegativeInt, PositiveInt

from bases.pixels import as_frames
from bases.pocket.draw_sample import NARROW, SCENES, SEED, sample_photos, write_photos
from benchmarks.adapters import adapter_likeness
from benchmarks.scripts import run_script
from studio.home import StudioError
from studio.onlookers import face_finder
from studio.quiet import hush
from studio.tables import show_table
from subjects import POCKET, PUPPETS, Finder

_REFERENCES = 8
_SETS = {"diverse": SCENES, "narrow": NARROW}
_Set = Literal["diverse", "narrow"]
_Curves = dict[_Set, dict[int, dict[int, float]]]


def measure(
    numbers: tuple[PositiveInt, ...] = (1, 2, 4, 8, 16, 32),
    subjects: PositiveInt = 2,
    out: Path = Path("runs/photo_curve"),
    sets: tuple[_Set, ...] = ("diverse", "narrow"),
    first: NonNegativeInt = 1,
    base: str = "pocket",
) -> None:
    """Train on so many photos each, print the likenesses and draw them.

    Args:
        numbers: of photos.
        subjects: individuals.
        out: keeps what was trained, `photo_curve.json` and `curve.png`; what is there is not made
            again.
        sets: of photos that differ, that are all alike, or both.
        first: the number of the first individual; 0 is the demo's.
        base: name or folder of the base; another one wants another `out`.

    Raises:
        StudioError: if there are no numbers or no sets.
    """
    if not (numbers and sets):
        raise StudioError(
            "There is nothing to measure: give --numbers and --sets one or more each."
        )
    hush()
    finder = face_finder(POCKET)
    curves: _Curves = {
        spread: {
            who: {
                n: _kept(out / f"{who}-{spread}-{n}", who, n, _SETS[spread], finder, base)
                for n in numbers
            }
            for who in range(first, first + subjects)
        }
        for spread in sets
    }
    (out / "photo_curve.json").write_text(json.dumps(curves, indent=2) + "\n")
    _plot(curves, numbers, out / "curve.png")
    every = [(spread, who, curve) for spread in sets for who, curve in curves[spread].items()]
    rows = [(str(n), *(f"{curve[n]:.2f}" for _, _, curve in every)) for n in numbers]
    show_table(("photos", *(f"individual {who}, {spread}" for spread, who, _ in every)), rows)


def _kept(
    folder: Path,
    who: int,
    number: int,
    scenes: tuple[tuple[str, str, str, str], ...],
    finder: Finder,
    base: str,
) -> float:
    """The likeness with so many photos of one individual, measured once and then read."""
    kept = folder / "likeness.json"
    if not kept.is_file():
        _, drawn = sample_photos(SEED + who, count=number + _REFERENCES, scenes=scenes)
        write_photos(drawn[_REFERENCES:], folder / "photos")
        _, references = sample_photos(SEED + who, count=_REFERENCES)
        likeness = adapter_likeness(
            sorted((folder / "photos").iterdir()),
            list(as_frames(references)),
            base=base,
            home=folder,
            finder=finder,
            limits=PUPPETS,
            number=who,
        )
        kept.write_text(json.dumps(likeness))
    return float(json.loads(kept.read_text()))


def _plot(curves: _Curves, numbers: tuple[int, ...], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for colour, (spread, individuals) in enumerate(curves.items()):
        for curve in individuals.values():
            axes.plot(numbers, [curve[n] for n in numbers], color=f"C{colour}", alpha=0.3)
        middle = [median(curve[n] for curve in individuals.values()) for n in numbers]
        label = f"{spread}, median of {len(individuals)}"
        axes.plot(numbers, middle, color=f"C{colour}", marker="o", label=label)
    axes.set(xscale="log", xlabel="photos", ylabel="likeness, of the photos' own", ylim=(0, 1.05))
    axes.set_xticks(numbers, [str(number) for number in numbers])
    axes.minorticks_off()
    axes.legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    run_script(measure)
