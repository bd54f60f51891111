"""What clips of subjects show of what was asked for, beside what the base shows by itself.

    python -m benchmarks.likeness --out runs/likeness
    python -m benchmarks.followed --trained runs/likeness
    python -m benchmarks.followed --trained runs/likeness --without '.*attn2.*'

Scenes are drawn at random from the base's own world, and each is asked for of the subject, with its
adapter, and of anybody, without. With a part of the adapter left out, it shows what that part does.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import torch
from jsonargparse import auto_cli
from torch import Generator, nn
from tqdm import tqdm

from bases.hub import open_base
from bases.pocket.judge.network import load_judge
from bases.pocket.shape import read_shape
from bases.pocket.world import Scene, caption, sample_scenes
from bases.video import Frames
from finetune.adapter import Adapter
from inference.bench.intervals import interval
from inference.bench.scores import JUDGED, opinion_of, prompt_followed
from inference.likeness import ceiling, clip_embeddings, likeness, motion
from inference.render import Clip, Renderer
from studio.bench.run import judge_for, shape_for
from studio.demo import NAME
from studio.onlookers import face_finder
from studio.quiet import hush
from studio.tables import show_table
from subjects import Subject

_SEED = 5000
_Row = dict[str, Any]


def measure(
    trained: Path = Path("runs/likeness"),
    scenes: int = 18,
    scale: float = 1.0,
    without: str = "",
    individuals: tuple[int, ...] = (),
    base: str = "pocket",
) -> None:
    """Ask every individual that `benchmarks.likeness` has trained for the same number of scenes.

    Args:
        trained: the folder that it wrote; in each individual's, what was measured is kept, and is
            not measured again.
        scenes: for each individual.
        scale: how strongly the adapters count.
        without: a regular expression over the names of layers whose part in the adapters is left
            out.
        individuals: their numbers; all that there are if not given.
        base: that they were trained on; the scenes are of the world of its size.
    """
    hush()
    world, watch = read_shape(shape_for(base)).world, Watch(base, scale, without)
    pairs = list[tuple[_Row, _Row]]()
    for folder in tqdm(sorted(trained.glob("subject-*")), desc="individuals"):
        number = int(folder.name.removeprefix("subject-"))
        if individuals and number not in individuals:
            continue
        asked = sample_scenes(scenes, Generator().manual_seed(_SEED + number), world, kind="person")
        drawn = partial(watch.base, folder, asked)
        alone = _kept(folder / "followed-base.json", [base, scenes], drawn)
        way = [base, scenes, scale, without]
        name = "-".join(re.sub(r"[^\w.]+", "", str(part)) for part in ("followed", *way))
        own = _kept(folder / f"{name}.json", way, partial(watch.adapter, folder, asked))
        pairs += [(row | {"individual": number}, alone[index]) for index, row in enumerate(own)]
    _print(pairs)


class Watch:
    """Renders scenes and looks at them.

    Args:
        base: a name or a folder.
        scale: how strongly adapters count.
        without: the layers whose part in them is left out.
    """

    def __init__(self, base: str, scale: float, without: str) -> None:
        self.scale, self.without = scale, without
        self.renderer = Renderer(open_base(base), progress=False)
        self.judge = load_judge(judge_for(read_shape(shape_for(base))))
        self.finder = face_finder("pocket")

    def base(self, folder: Path, asked: Scene) -> list[_Row]:
        """What the base makes of scenes by itself, beside an individual's photos."""
        return self._seen(folder, asked, "")

    def adapter(self, folder: Path, asked: Scene) -> list[_Row]:
        """What it makes of them with the individual's adapter."""
        subject = Subject.load(folder / "home", NAME)
        with self.renderer.adapter(Adapter(folder / "home" / "adapters" / NAME), self.scale):
            _silence(self.renderer.pipe.transformer, self.without)
            return self._seen(folder, asked, subject.called)

    @torch.no_grad()
    def _seen(self, folder: Path, asked: Scene, called: str) -> list[_Row]:
        photos = Subject.load(folder / "home", NAME).face_embeddings(self.finder)
        best, rows = ceiling(photos) or 1.0, list[_Row]()
        for seed in range(len(asked)):
            scene = asked[[seed]]
            clip = self.renderer.render(caption(scene, 0, subject=called or None), Clip(seed=seed))
            rows.append(self._look(clip, scene) | self._likeness(clip, photos, best))
        return rows

    def _look(self, clip: Frames, scene: Scene) -> _Row:
        return {
            "action": scene.named("action", 0),
            "shot": scene.named("shot", 0),
            "followed": prompt_followed(opinion_of(self.judge, clip), scene),
            "motion": motion(clip),
        }

    def _likeness(self, clip: Frames, photos: Any, best: float) -> _Row:
        found = likeness(clip_embeddings(clip, self.finder), photos)
        return {"likeness": found.median / best if found.detected else None}


def _silence(transformer: nn.Module, without: str) -> None:
    """Leave out what layers of these names have in an adapter."""
    for name, layer in transformer.named_modules():
        if without and hasattr(layer, "lora_B") and re.fullmatch(without, name):
            for up in layer.lora_B.values():
                nn.init.zeros_(up.weight)


def _kept(path: Path, way: list[Any], make: Callable[[], list[_Row]]) -> list[_Row]:
    """What a file holds, or else what is made now and kept there."""
    if path.is_file():
        known = json.loads(path.read_text())
        if known["way"] == way:
            return list(known["rows"])
    rows = make()
    path.write_text(json.dumps({"way": way, "rows": rows}, indent=1) + "\n")
    return rows


def _print(pairs: list[tuple[_Row, _Row]]) -> None:
    shares = defaultdict[str, tuple[list[bool], list[bool]]](lambda: ([], []))
    for rows in pairs:
        for place, row in enumerate(rows):
            for choice, followed in row["followed"].items():
                shares[choice][place].append(followed)
            shares[row["action"]][place].append(row["followed"]["action"])
    choices = [choice for choice in JUDGED if choice in shares]
    lines = (*choices, *sorted(set(shares) - set(choices)))
    table = [(name, *map(_share, shares[name])) for name in lines]
    show_table(("asked for", "adapter", "base"), [*table, *_likenesses(pairs)])
    gap = interval([100 * gap for gap in _gaps(pairs)], of="mean")
    if gap:
        print(
            f"Action, adapter less base: {gap.value:.1f} points ({gap.low:.1f} to {gap.high:.1f}, "
            "95% interval over individuals)."
        )
    moved = median(own["motion"] / max(plain["motion"], 1e-9) for own, plain in pairs)
    print(f"Motion over the base's, median: {moved:.2f}.")


def _likenesses(pairs: list[tuple[_Row, _Row]]) -> list[tuple[str, str, str]]:
    """By shot, the median likeness of the clips that show a face, as a share of the ceiling."""
    lines = []
    for shot in dict.fromkeys(own["shot"] for own, _ in pairs):
        known = [
            [row["likeness"] for row in rows if row["shot"] == shot and row["likeness"] is not None]
            for rows in zip(*pairs, strict=True)
        ]
        told = [f"{median(found):.2f} of {len(found)}" if found else "-" for found in known]
        lines.append((f"likeness, {shot}", told[0], told[1]))
    return lines


def _share(followed: list[bool]) -> str:
    return f"{mean(followed):.0%} of {len(followed)}"


def _gaps(pairs: list[tuple[_Row, _Row]]) -> list[float]:
    """By individual, how much more often the adapter shows its action than the base somebody's."""
    gaps = defaultdict[int, list[float]](list)
    for own, plain in pairs:
        gap = own["followed"]["action"] - plain["followed"]["action"]
        gaps[own["individual"]].append(float(gap))
    return [mean(known) for known in gaps.values()]


if __name__ == "__main__":
    auto_cli(measure, as_positional=False)
