"""Likeness over individuals that neither Pocket nor the demo has seen.

    python -m benchmarks.likeness --subjects 8 --out runs/likeness

Each goes the demo's whole way; the table at the end holds the medians.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from jsonargparse.typing import PositiveInt

from bases.pocket.draw_sample import SEED, draw_sample
from bases.scripts import Seed
from benchmarks.scripts import run_script
from studio.demo import run_demo
from studio.tables import show_table


def measure(
    subjects: PositiveInt = 8,
    out: Path = Path("runs/likeness"),
    seed: Seed = 7,
    steps: PositiveInt | None = None,
    base: str = "pocket",
) -> None:
    """Run the demo for several individuals.

    Args:
        subjects: how many.
        out: keeps each one's clips, sheet and report, and `summary.json`; reports that are there
            already are not made again.
        seed: of the clips' noise.
        steps: of the training; the recipe's own if not given.
        base: name or folder of the base; another one wants another `out`.
    """
    reports = []
    for index in range(1, subjects + 1):
        folder = out / f"subject-{index}"
        kept = folder / "report.json"
        if not kept.is_file():
            draw_sample(folder / "photos", SEED + index)
            run_demo(folder, seed=seed, steps=steps, base=base, photos=folder / "photos")
        reports.append(json.loads(kept.read_text()))
    summary = summarise(reports)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    show_table(("measure", "median"), [(name, f"{value:.3f}") for name, value in summary.items()])


def summarise(reports: list[dict[str, Any]]) -> dict[str, float]:
    """Medians over reports of the demo, and the share of rank-1 hits."""
    likeness = [report["likeness"] for report in reports]
    motion = [report["motion"] for report in reports]
    return {
        "ceiling": median(one["ceiling"] for one in likeness),
        "adapter / ceiling": median(one["adapter"] / one["ceiling"] for one in likeness),
        "base / ceiling": median(one["base"] / one["ceiling"] for one in likeness),
        "rank1": sum(one["rank1"] for one in likeness) / len(likeness),
        "motion / base": median(one["adapter"] / max(one["base"], 1e-9) for one in motion),
    }


if __name__ == "__main__":
    run_script(measure)
