"""The language gap: what the base shows of the same scenes, asked for in every language.

    python -m benchmarks.languages

Of a base that speaks fewer languages than its shape, `--languages` names those to ask.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import mean

from jsonargparse.typing import PositiveInt

from bases.errors import BaseModelError
from bases.hub import open_base
from bases.pocket.judge.network import load_judge
from bases.pocket.shape import read_shape
from benchmarks.scripts import run_script
from inference.bench.scores import JUDGED
from inference.render import Renderer
from studio.bench.languages import by_language
from studio.bench.plan import Plan
from studio.bench.run import judge_for, shape_for
from studio.bench.takes import Studio
from studio.quiet import hush
from studio.tables import show_table


def measure(
    base: str = "pocket",
    scenes: PositiveInt = 60,
    languages: tuple[str, ...] = (),
    shape: Path | None = None,
    out: Path | None = None,
) -> None:
    """Render every scene in every language, and print how many clips show what was asked for.

    Args:
        base: a name or a folder.
        scenes: of each language.
        languages: two letters each; all that the shape has if not given.
        shape: of Pocket, whose world the scenes are of; that of the base's size if not given.
        out: a JSON to be written too, with what is right in every single clip.

    Raises:
        BaseModelError: if there is no scene, or a language is unknown.
    """
    if scenes < 1:
        raise BaseModelError(f"scenes={scenes}: give at least 1.")
    hush()
    known = read_shape(shape or shape_for(base))
    known = replace(known, languages=languages or known.languages)
    plan = Plan(subjects=dict.fromkeys(known.world.kind, 1), language_scenes=scenes)
    renderer = Renderer(open_base(base), progress=False)
    hits = by_language(Studio(renderer, load_judge(judge_for(known)), known, plan))
    if out is not None:
        out.write_text(json.dumps(hits, indent=1) + "\n")
    choices = [choice for choice in JUDGED if any(choice in right for right in hits.values())]
    rows = [
        (choice, *(f"{mean(right[choice]):.0%} of {len(right[choice])}" for right in hits.values()))
        for choice in choices
    ]
    show_table(("asked for", *hits), rows)


if __name__ == "__main__":
    run_script(measure)
