"""`starring bench`: goes through the subjects one by one, and on where it was stopped."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bases.catalogue import Base
from bases.families import family_of
from bases.files import whole_file
from bases.hub import open_base
from bases.pocket import JUDGE, SMALL_JUDGE
from bases.pocket.judge.network import load_judge
from bases.pocket.judge.report import report as judge_report
from bases.pocket.shape import PocketShape, read_shape
from finetune.adapter import Adapter
from finetune.train import train
from inference.bench.intervals import interval
from inference.render import Renderer
from studio.bench.individuals import Individual, add_individual
from studio.bench.languages import by_language
from studio.bench.plan import Plan
from studio.bench.report import markdown, plot
from studio.bench.summary import summarise
from studio.bench.takes import Studio
from studio.home import ROOT, StudioError
from studio.quiet import hush
from studio.training import arguments, recipe_of
from subjects.files import file_digest


def run_bench(
    out: Path, plan: Plan, *, shape: Path, base: str = "pocket", extra: list[str] | None = None
) -> dict[str, Any]:
    """Measure a base and the adapters that are trained on it.

    Args:
        out: for `bench.json`, `bench.md`, the plots, and what is kept of each subject, so that a
            bench that was stopped goes on.
        plan: how much is measured.
        shape: the YAML of the base's clips and world, such as `configs/pocket/128.yaml`.
        base: name or folder of the base.
        extra: settings of the training that differ from the base's recipe.

    Returns:
        the bench.

    Raises:
        StudioError: if what is kept in `out` is of another plan, or the judge is not there.
    """
    hush()
    bench = Bench(out, plan, read_shape(shape), base, extra or [])
    return bench.run()


def shape_for(base: str) -> Path:
    """The YAML of the clips and the world that a base is measured in: Pocket's of its size.

    Args:
        base: name or folder.

    Raises:
        StudioError: if there is no such world, or the base draws whom it is shown.
    """
    opened = open_base(base)
    if family_of(opened).pictures:
        raise StudioError(
            f"The base {base!r} draws whom it is shown, and the bench measures bases that are told "
            "with words alone: choose another."
        )
    shapes = {int(path.stem): path for path in (ROOT / "configs" / "pocket").glob("*.yaml")}
    if opened.height not in shapes:
        sizes = ", ".join(map(str, sorted(shapes)))
        raise StudioError(
            f"The base {base!r} draws clips {opened.height} pixels high, and there are drawn "
            f"worlds to measure in of {sizes}: choose 'pocket', 'pocket-64' or another that draws "
            "such clips."
        )
    return shapes[opened.height]


def judge_for(shape: PocketShape) -> Path:
    """The judge that has learnt a shape's world.

    Raises:
        StudioError: if it is not there.
    """
    judge, own = (SMALL_JUDGE, "64") if shape.world.kind == ("person",) else (JUDGE, "128")
    if not judge.is_file():
        raise StudioError(
            f"The judge that scores the clips, {str(judge)!r}, is not there: train it with "
            f"'python -m bases.pocket.train_judge --shape configs/pocket/{own}.yaml' and copy "
            "runs/judge/judge.safetensors there."
        )
    return judge


class Bench:
    """One run of the bench; the arguments are those of `run_bench`."""

    def __init__(
        self, out: Path, plan: Plan, shape: PocketShape, base: str, extra: list[str]
    ) -> None:
        """Check that what is kept goes with what is asked for."""
        kinds = {kind: n for kind, n in plan.subjects.items() if kind in shape.world.kind}
        self.out, self.plan = out, dataclasses.replace(plan, subjects=kinds)
        self.shape, self.base, self.extra = shape, base, extra
        if find_spec("matplotlib") is None:
            raise StudioError("The bench draws plots: pip install 'starring[pocket]' first.")
        _check_clips(open_base(base), shape)
        self._keep_settings()

    def _keep_settings(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        base = open_base(self.base)
        recipe = recipe_of(base)
        settings = {
            "plan": dataclasses.asdict(self.plan),
            "base": self.base,
            "weights": base.fingerprint_of_all,
            "judge": file_digest(judge_for(self.shape)),
            "shape": dataclasses.asdict(self.shape),
            "recipe": file_digest(recipe) if recipe.is_file() else None,
            "training": self.extra,
        }
        said, kept = json.dumps(settings, sort_keys=True, indent=2), self.out / "settings.json"
        if not kept.is_file():
            _write(kept, said)
        elif kept.read_text() != said:
            raise StudioError(
                f"{str(self.out)!r} holds a bench with other settings, or of another base or judge "
                "(see its settings.json): give another --out, or delete it."
            )

    def run(self) -> dict[str, Any]:
        """Go through everything; what is there already is not done again."""
        self.judge = load_judge(judge_for(self.shape))
        self.studio = Studio(
            Renderer(open_base(self.base), progress=False), self.judge, self.shape, self.plan
        )
        judged = self._kept("judge", lambda: judge_report(self.judge, self.shape, self.plan.judged))
        languages = self._kept("languages", lambda: by_language(self.studio))
        turns = [(kind, i) for kind, count in self.plan.subjects.items() for i in range(count)]
        subjects = [
            self._kept(f"{kind}-{index}", partial(self._subject, kind, index))
            for kind, index in tqdm(turns, desc="bench", unit="subject")
        ]
        bench = {
            "base": self.base,
            "plan": dataclasses.asdict(self.plan),
            "judge": judged,
            "figures": {
                kind: summarise([one for one in subjects if one["kind"] == kind], self.shape, kind)
                for kind in self.plan.subjects
            },
            "languages": languages,
            "curve": self._curve(),
            "subjects": subjects,
        }
        _write(self.out / "bench.json", json.dumps(bench, indent=1))
        _write(self.out / "bench.md", markdown(bench))
        plot(bench, self.out)
        return bench

    def _kept(self, name: str, make: Callable[[], Any]) -> Any:
        """What an earlier run left under this name, or made now and left."""
        path = self.out / "kept" / f"{name}.json"
        if not path.is_file():
            found = make()
            path.parent.mkdir(exist_ok=True)
            _write(path, json.dumps(found))
        return json.loads(path.read_text())

    def _subject(self, kind: str, index: int) -> dict[str, Any]:
        one, adapter = self._trained(kind, index, self.plan.photos, narrow=False)
        return {
            "kind": kind,
            "index": index,
            "ceiling": one.who.ceiling,
            "takes": self.studio.takes(one, adapter, index),
        }

    def _trained(
        self, kind: str, index: int, photos: int, *, narrow: bool
    ) -> tuple[Individual, Adapter]:
        home = self.out / "homes" / f"{kind}-{index}-{'narrow' if narrow else 'diverse'}-{photos}"
        one = add_individual(
            kind,
            index,
            photos=photos,
            narrow=narrow,
            gallery=self.plan.gallery,
            judge=self.judge,
            shape=self.shape,
            home=home,
        )
        name = one.subject.name
        done = home / "adapters" / name
        if (done / "run.json").is_file():
            return one, Adapter(done)
        command = arguments(name, base=self.base, config=None, extra=self.extra, home=home)
        return one, train(command)

    def _curve(self) -> list[dict[str, Any]]:
        """Likeness by the number of photos, of sets that differ and of sets that are all alike."""
        kind, points = next(iter(self.plan.subjects)), []
        for spread in ("diverse", "narrow"):
            for photos in self.plan.curve:
                found = [
                    self._kept(
                        f"curve-{spread}-{photos}-{index}",
                        partial(self._point, kind, index, photos, narrow=spread == "narrow"),
                    )
                    for index in range(self.plan.curve_subjects)
                ]
                points.append({"set": spread, "photos": photos, "likeness": interval(found)})
        return points

    def _point(self, kind: str, index: int, photos: int, *, narrow: bool) -> float:
        one, adapter = self._trained(kind, index, photos, narrow=narrow)
        return self.studio.likeness_of(one, adapter, index)


def _check_clips(base: Base, shape: PocketShape) -> None:
    """Refuse a base whose clips are not like the true ones that it is measured beside."""
    own = base.width, base.height, base.frames, base.fps
    true = shape.size, shape.size, shape.frames, shape.fps
    if own != true:
        said = "{}×{}, {} frames, {} a second"
        raise StudioError(
            f"The base {base.name!r} draws clips of {said.format(*own)}, and the bench's true ones "
            f"are of {said.format(*true)}: choose a base that draws such."
        )


def _write(path: Path, text: str) -> None:
    with whole_file(path) as partial:
        partial.write_text(text)
