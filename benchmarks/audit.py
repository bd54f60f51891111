"""How well the audit finds planted faults, on drawn photos where the truth is known.

    python -m benchmarks.audit --sets 500 --out runs/audit

Half of the sets have bystanders. The table tells what became of each kind of photo.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from jsonargparse.typing import NonNegativeInt, PositiveInt
from tqdm import trange

from benchmarks.planted import FAULTS, PlantedSet, planted_set
from benchmarks.scripts import run_script
from studio.onlookers import face_finder
from studio.tables import show_table
from subjects import DROP, KEEP, PUPPETS, AuditedPhoto, Finder
from subjects.audit import audit
from subjects.intake import Intake

GOOD = "good"


def measure(
    sets: PositiveInt = 500, out: Path = Path("runs/audit"), first: NonNegativeInt = 0
) -> None:
    """Audit the sets and print the confusion table.

    Args:
        sets: how many.
        out: receives `audit.json`.
        first: the number of the first.
    """
    finder = face_finder("pocket")
    table: dict[str, Counter[str]] = {kind: Counter() for kind in (GOOD, *FAULTS)}
    chosen = Counter[str]()
    for number in trange(first, first + sets, desc="sets"):
        bystanders = number % 2 == 1
        planted = planted_set(number, bystanders=bystanders)
        audited = _audited(planted, finder)
        for kind, photo in _outcomes(planted, audited):
            table[kind][_outcome(photo)] += 1
        right = _is_right_person(planted, audited)
        chosen[f"{'with' if bystanders else 'without'} bystanders, {right}"] += 1
    found = {
        "sets": sets,
        "table": {kind: dict(counts) for kind, counts in table.items()},
        "right person": dict(chosen),
        "faults found": _share(table, FAULTS, lambda outcome: outcome != KEEP),
        "good photos dropped": _share(table, (GOOD,), lambda outcome: outcome.startswith(DROP)),
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "audit.json").write_text(json.dumps(found, indent=2) + "\n")
    _print(found)


def _audited(planted: PlantedSet, finder: Finder) -> list[AuditedPhoto]:
    with tempfile.TemporaryDirectory() as folder, Intake(planted.write(Path(folder))) as intake:
        return audit(intake, faces=finder, limits=PUPPETS)


def _outcomes(planted: PlantedSet, audited: list[AuditedPhoto]) -> list[tuple[str, AuditedPhoto]]:
    """What was planted beside what was said; of a photo and its copy, the dropped is the copy."""
    kinds = [fault or GOOD for fault in planted.faults]
    copy = kinds.index("duplicate")
    for index, photo in enumerate(audited):
        said = f"near-duplicate of '{copy:02d}.png'"
        if kinds[index] == GOOD and photo.reason.startswith(said):
            kinds[index], kinds[copy] = "duplicate", GOOD
            break
    return list(zip(kinds, audited, strict=True))


def _outcome(photo: AuditedPhoto) -> str:
    if photo.verdict == KEEP:
        return KEEP
    return f"{photo.verdict}: {photo.reason.split(' (')[0].split(' of ')[0].split(',')[0]}"


def _is_right_person(planted: PlantedSet, audited: list[AuditedPhoto]) -> str:
    """Whether, in every photo that was kept, the face used is the subject's."""
    for fault, box, photo in zip(planted.faults, planted.boxes, audited, strict=True):
        if photo.verdict == DROP or fault == "another person":
            continue
        used = photo.measures and photo.measures.box
        if used is None or not _holds(box, np.array(used)):
            return "wrong person"
    return "right person"


def _holds(box: Any, used: Any) -> bool:
    """Whether the middle of a box lies in another; half of a covered face may be found."""
    middle = (used[:2] + used[2:]) / 2
    return bool((middle >= box[:2]).all() and (middle <= box[2:]).all())


def _share(table: dict[str, Counter[str]], kinds: tuple[str, ...], hit: Any) -> float:
    every = [(outcome, count) for kind in kinds for outcome, count in table[kind].items()]
    return sum(count for outcome, count in every if hit(outcome)) / sum(c for _, c in every)


def _print(found: dict[str, Any]) -> None:
    rows = [
        (kind, outcome, str(count))
        for kind, counts in found["table"].items()
        for outcome, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    show_table(("planted", "the audit says", "photos"), rows)
    shares = [(name, f"{found[name]:.1%}") for name in ("faults found", "good photos dropped")]
    show_table(
        ("measure", "value"), [*shares, *((k, str(v)) for k, v in found["right person"].items())]
    )


if __name__ == "__main__":
    run_script(measure)
