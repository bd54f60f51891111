"""Whether the audit helps: adapters trained with it and without it, on sets with planted faults.

    python -m benchmarks.audit_helps --sets 4 --out runs/audit_helps

Each set holds seven good photos of one individual and five faulty ones. Without the audit all in
which a face is found are learnt, the stranger's among them. Clips are compared with the good photos
in both cases.
"""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf
from pathlib import Path
from statistics import median

from jsonargparse.typing import NonNegativeInt, PositiveInt

from benchmarks.adapters import adapter_likeness
from benchmarks.planted import PlantedSet, planted_set
from benchmarks.scripts import run_script
from studio.onlookers import face_finder
from studio.quiet import hush
from studio.tables import show_table
from subjects import POCKET, PUPPETS, Finder, Limits

ANYTHING = replace(PUPPETS, min_side=1, min_face=0, same_person=-1.0, max_blur=inf, same_face=2.0)
"""Limits that every photo keeps in which a face is found."""


def measure(
    sets: PositiveInt = 4,
    out: Path = Path("runs/audit_helps"),
    first: NonNegativeInt = 0,
    base: str = "pocket",
) -> None:
    """Train on each set twice, and print the likeness of both adapters.

    Args:
        sets: how many; half of them have bystanders.
        out: keeps what was trained, and `audit_helps.json`; what is there is not made again.
        first: the number of the first.
        base: name or folder of the base; another one wants another `out`.
    """
    hush()
    finder = face_finder(POCKET)
    rows = []
    for number in range(first, first + sets):
        planted = planted_set(number, bystanders=number % 2 == 1)
        row = {}
        for name, limits in (("with", PUPPETS), ("without", ANYTHING)):
            kept = out / f"{number}-{name}" / "likeness.json"
            if not kept.is_file():
                kept.parent.mkdir(parents=True, exist_ok=True)
                found = _likeness(planted, limits, kept.parent, finder, base, number)
                kept.write_text(json.dumps(found))
            row[name] = json.loads(kept.read_text())
        rows.append(row)
    (out / "audit_helps.json").write_text(json.dumps(rows, indent=2) + "\n")
    table = [
        (str(first + i), f"{r['with']:.2f}", f"{r['without']:.2f}") for i, r in enumerate(rows)
    ]
    middle = [f"{median(row[name] for row in rows):.2f}" for name in ("with", "without")]
    show_table(("set", "with the audit", "without"), [*table, ("median", *middle)])


def _likeness(
    planted: PlantedSet, limits: Limits, home: Path, finder: Finder, base: str, number: int
) -> float:
    """The likeness of an adapter that learnt a set's photos to its good ones."""
    good = [p for p, fault in zip(planted.pictures, planted.faults, strict=True) if fault is None]
    photos = planted.write(home / "photos")
    return adapter_likeness(
        photos, good, base=base, home=home, finder=finder, limits=limits, number=number
    )


if __name__ == "__main__":
    run_script(measure)
