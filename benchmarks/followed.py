"""What clips of subjects show of what was asked for, beside what the base shows by itself.

    python -m benchmarks.likeness --out runs/likeness
    python -m benchmarks.followed --trained runs/likeness --scenes 18

Scenes are drawn at random from the base's own world, and each is asked for of the subject, with its
adapter, and of anybody, without.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from jsonargparse import auto_cli
from torch import Generator
from tqdm import tqdm

from bases.hub import open_base
from bases.pocket import JUDGE
from bases.pocket.judge.network import load_judge
from bases.pocket.shape import read_shape
from bases.pocket.world import caption, sample_scenes
from finetune.adapter import Adapter
from inference.bench.intervals import interval
from inference.bench.scores import JUDGED, opinion_of, prompt_followed
from inference.likeness import motion
from inference.render import Clip, Renderer
from studio.demo import NAME
from studio.quiet import hush
from studio.tables import show_table
from subjects import Subject

_SEED = 5000


@torch.no_grad()
def measure(
    trained: Path = Path("runs/likeness"),
    scenes: int = 18,
    shape: Path = Path("configs/pocket/64.yaml"),
) -> None:
    """Ask every individual that `benchmarks.likeness` has trained for the same number of scenes.

    Args:
        trained: the folder that it wrote; receives `followed.json`.
        scenes: for each individual.
        shape: of Pocket, whose world the scenes are of.
    """
    hush()
    renderer, judge = Renderer(open_base("pocket"), progress=False), load_judge(JUDGE)
    world, rows = read_shape(shape).world, list[dict[str, Any]]()
    for folder in tqdm(sorted(trained.glob("subject-*")), desc="individuals"):
        subject = Subject.load(folder / "home", NAME)
        adapter = Adapter(folder / "home" / "adapters" / NAME)
        number = int(folder.name.removeprefix("subject-"))
        asked = sample_scenes(scenes, Generator().manual_seed(_SEED + number), world, kind="person")
        for seed in range(scenes):
            scene = asked[[seed]]
            plain = renderer.render(caption(scene, 0), Clip(seed=seed))
            with renderer.adapter(adapter):
                own = renderer.render(caption(scene, 0, subject=subject.called), Clip(seed=seed))
            rows.append(
                {
                    "individual": number,
                    "action": scene.named("action", 0),
                    "adapter": prompt_followed(opinion_of(judge, own), scene),
                    "base": prompt_followed(opinion_of(judge, plain), scene),
                    "motion": motion(own) / max(motion(plain), 1e-9),
                }
            )
    (trained / "followed.json").write_text(json.dumps(rows, indent=1) + "\n")
    _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    shares = defaultdict[str, dict[str, list[bool]]](lambda: {"adapter": [], "base": []})
    for row in rows:
        for who in ("adapter", "base"):
            for choice, followed in row[who].items():
                shares[choice][who].append(followed)
            shares[row["action"]][who].append(row[who]["action"])
    choices = [choice for choice in JUDGED if choice in shares]
    lines = (*choices, *sorted(set(shares) - set(choices)))
    table = [(name, *map(_share, shares[name].values())) for name in lines]
    show_table(("asked for", "adapter", "base"), table)
    individuals = {row["individual"] for row in rows}
    gap = interval([100 * _gap(rows, number) for number in individuals], of="mean")
    if gap:
        print(
            f"Action, adapter less base: {gap.value:.0f} points ({gap.low:.0f} to {gap.high:.0f}, "
            "95% interval over individuals)."
        )
    print(f"Motion over the base's, median: {median(row['motion'] for row in rows):.2f}.")


def _share(followed: list[bool]) -> str:
    return f"{mean(followed):.0%} of {len(followed)}"


def _gap(rows: list[dict[str, Any]], individual: int) -> float:
    """How much more often the adapter shows an individual's action than the base somebody's."""
    own = [row for row in rows if row["individual"] == individual]
    return mean(row["adapter"]["action"] for row in own) - mean(
        row["base"]["action"] for row in own
    )


if __name__ == "__main__":
    auto_cli(measure, as_positional=False)
