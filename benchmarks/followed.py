"""What clips of subjects show of what was asked for, beside what the base shows by itself.

    python -m benchmarks.likeness --out runs/likeness
    python -m benchmarks.followed --trained runs/likeness
    python -m benchmarks.followed --trained runs/likeness --without '.*attn2.*'

Scenes are drawn at random from the base's own world. Each is asked for of the subject, with its
adapter, and of anybody, without; and the subject is drawn in it, and goes through the base's VAE,
which is the most that a clip could show. With a part of the adapter left out, it shows what that
part does.
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
from jsonargparse.typing import NonNegativeInt, PositiveFloat, PositiveInt
from torch import Generator, nn
from tqdm import tqdm

from bases.hub import open_base
from bases.pocket import FACES
from bases.pocket.draw_sample import SEED, sample_photos
from bases.pocket.judge.network import load_judge
from bases.pocket.shape import read_shape
from bases.pocket.world import Scene, caption, sample_scenes
from bases.video import Frames
from benchmarks.scripts import run_script
from finetune.adapter import Adapter
from finetune.teacher import digest_of
from inference.bench.intervals import interval
from inference.bench.scores import JUDGED, opinion_of, prompt_followed
from inference.clip import Clip
from inference.likeness import ceiling, clip_embeddings, likeness, motion
from inference.render import Renderer
from studio.bench.run import judge_for, shape_for
from studio.bench.truth import through_vae, true_clip
from studio.demo import NAME
from studio.onlookers import face_finder
from studio.quiet import hush
from studio.tables import show_table
from subjects import Subject
from subjects.files import file_digest

_SEED = 5000
_WAYS = ("adapter", "base", "true")
_Row = dict[str, Any]


def measure(
    trained: Path = Path("runs/likeness"),
    scenes: PositiveInt = 18,
    scale: PositiveFloat = 1.0,
    without: str = "",
    individuals: tuple[NonNegativeInt, ...] = (),
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
    watch, found = Watch(base, scale, without), list[dict[str, _Row]]()
    for folder in tqdm(sorted(trained.glob("subject-*")), desc="individuals"):
        number = int(folder.name.removeprefix("subject-"))
        if individuals and number not in individuals:
            continue
        world = watch.shape.world
        asked = sample_scenes(scenes, Generator().manual_seed(_SEED + number), world, kind="person")
        alone = [base, scenes, watch.eyes]
        own = [*alone, scale, without, watch.digest(folder)]
        rows = (
            _kept(folder, "followed", own, partial(watch.adapter, folder, asked)),
            _kept(folder, "followed-base", alone, partial(watch.base, folder, asked)),
            _kept(folder, "followed-true", alone, partial(watch.true, folder, asked)),
        )
        for scene in zip(*rows, strict=True):
            found.append({w: row | {"of": number} for w, row in zip(_WAYS, scene, strict=True)})
    if not found:
        raise SystemExit(f"{str(trained)!r} holds none of these individuals: train them first.")
    _print(found)


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
        self.shape = read_shape(shape_for(base))
        judge = judge_for(self.shape)
        self.judge = load_judge(judge)
        self.finder = face_finder("pocket")
        self.eyes = "-".join(file_digest(path)[:8] for path in (FACES / "recogniser.onnx", judge))

    def digest(self, folder: Path) -> str:
        """Twelve hex digits that change with the individual's adapter."""
        return digest_of(_adapter(folder))

    def base(self, folder: Path, asked: Scene) -> list[_Row]:
        """What the base makes of scenes by itself, beside an individual's photos."""
        return self._seen(folder, asked, partial(self._rendered, called=None))

    def adapter(self, folder: Path, asked: Scene) -> list[_Row]:
        """What it makes of them with the individual's adapter."""
        called = Subject.load(folder / "home", NAME).called
        with self.renderer.adapter(_adapter(folder), self.scale):
            _silence(self.renderer.pipe.transformer, self.without)
            return self._seen(folder, asked, partial(self._rendered, called=called))

    def true(self, folder: Path, asked: Scene) -> list[_Row]:
        """The individual itself in the scenes, drawn."""
        look, _ = sample_photos(SEED + int(folder.name.removeprefix("subject-")), count=1)

        def drawn(scene: Scene, seed: int) -> Frames:
            return through_vae(true_clip(look, scene, self.shape), self.renderer.pipe.vae)

        return self._seen(folder, asked, drawn)

    def _rendered(self, scene: Scene, seed: int, called: str | None) -> Frames:
        return self.renderer.render(caption(scene, 0, subject=called), Clip(seed=seed))

    @torch.no_grad()
    def _seen(self, folder: Path, asked: Scene, make: Callable[[Scene, int], Frames]) -> list[_Row]:
        photos = Subject.load(folder / "home", NAME).face_embeddings(self.finder)
        best, rows = ceiling(photos) or 1.0, list[_Row]()
        for seed in range(len(asked)):
            scene = asked[[seed]]
            clip = make(scene, seed)
            rows.append(self._look(clip, scene) | self._likeness(clip, photos, best))
        return rows

    def _look(self, clip: Frames, scene: Scene) -> _Row:
        return {
            **{choice: scene.named(choice, 0) for choice in ("action", "shot", "light", "view")},
            "followed": prompt_followed(opinion_of(self.judge, clip), scene),
            "motion": motion(clip),
        }

    def _likeness(self, clip: Frames, photos: Any, best: float) -> _Row:
        found = likeness(clip_embeddings(clip, self.finder), photos)
        seen = {"likeness": found.median / best if found.detected else None}
        return seen | {"detected": found.detected}


def _adapter(folder: Path) -> Adapter:
    return Adapter(folder / "home" / "adapters" / NAME)


def _silence(transformer: nn.Module, without: str) -> None:
    """Leave out what layers of these names have in an adapter."""
    for name, layer in transformer.named_modules():
        if without and hasattr(layer, "lora_B") and re.fullmatch(without, name):
            for up in layer.lora_B.values():
                nn.init.zeros_(up.weight)


def _kept(folder: Path, what: str, way: list[Any], make: Callable[[], list[_Row]]) -> list[_Row]:
    """What a file of a folder holds, or else what is made now and kept there."""
    name = "-".join(re.sub(r"[^\w.-]+", "", str(part)) for part in (what, *way))
    path = folder / f"{name}.json"
    if path.is_file():
        known = json.loads(path.read_text())
        if known["way"] == way:
            return list(known["rows"])
    rows = make()
    path.write_text(json.dumps({"way": way, "rows": rows}, indent=1) + "\n")
    return rows


def _print(found: list[dict[str, _Row]]) -> None:
    asked = [row["adapter"] for row in found]
    choices = [choice for choice in JUDGED if any(choice in row["followed"] for row in asked)]
    table = [(choice, *_shares(found, choice)) for choice in choices]
    for action in sorted({row["action"] for row in asked}):
        some = [row for row in found if row["base"]["action"] == action]
        table.append((action, *_shares(some, "action")))
    for choice in ("shot", "light", "view"):
        for name in sorted({row[choice] for row in asked}):
            some = [row for row in found if row["base"][choice] == name]
            table.append((f"likeness, {name}", *_likenesses(some)))
    for view in sorted({row["view"] for row in asked}):
        some = [row for row in found if row["base"]["view"] == view]
        table.append((f"frames with a face, {view}", *_detected(some)))
    show_table(("asked for", *_WAYS), table)
    gap = interval([100 * gap for gap in _gaps(found)], of="mean")
    if gap:
        print(
            f"Action, adapter less base: {gap.value:.1f} points ({gap.low:.1f} to {gap.high:.1f}, "
            "95% interval over individuals)."
        )
    moved = median(r["adapter"]["motion"] / max(r["base"]["motion"], 1e-9) for r in found)
    print(f"Motion over the base's, median: {moved:.2f}.")


def _shares(found: list[dict[str, _Row]], choice: str) -> list[str]:
    """How often what was asked for is there, by the way that the clips were made."""
    shares = []
    for way in _WAYS:
        hits = [row[way]["followed"][choice] for row in found if choice in row[way]["followed"]]
        shares.append(f"{mean(hits):.0%} of {len(hits)}" if hits else "-")
    return shares


def _likenesses(found: list[dict[str, _Row]]) -> list[str]:
    """The median likeness of the clips that show a face, as a share of the ceiling."""
    told = []
    for way in _WAYS:
        known = [row[way]["likeness"] for row in found if row[way]["likeness"] is not None]
        told.append(f"{median(known):.2f} of {len(known)}" if known else "-")
    return told


def _detected(found: list[dict[str, _Row]]) -> list[str]:
    return [f"{mean(row[way]['detected'] for row in found):.0%}" for way in _WAYS]


def _gaps(found: list[dict[str, _Row]]) -> list[float]:
    """By individual, how much more often the adapter shows its action than the base somebody's."""
    gaps = defaultdict[int, list[float]](list)
    for row in found:
        own, plain = (row[way]["followed"]["action"] for way in ("adapter", "base"))
        gaps[row["base"]["of"]].append(float(own - plain))
    return [mean(known) for known in gaps.values()]


if __name__ == "__main__":
    run_script(measure)
