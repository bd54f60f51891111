"""The bench in miniature: a base of random weights, judged by a judge of random weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml

import studio.bench.run
from bases.catalogue import Base, find_base
from bases.pocket import JUDGE, SMALL_JUDGE
from bases.pocket.judge.network import Judge, load_judge, save_judge
from bases.pocket.shape import PocketShape, read_shape
from studio.bench.individuals import add_individual
from studio.bench.plan import Plan
from studio.bench.run import judge_for, run_bench, shape_for
from studio.bench.summary import VARIANTS, summarise
from studio.home import StudioError

PLAN = Plan(
    subjects={"person": 1, "object": 1},
    photos=2,
    scenes=1,
    seeds=1,
    gallery=4,
    language_scenes=2,
    curve=(1, 2),
    curve_subjects=1,
    judged=20,
)
SHAPE = {"size": 32, "frames": 5, "fps": 16, "vae": {}, "transformer": {}, "text": {}}
TRAINING = ["--trainer.max_steps=1", "--data.clips=0"]


@pytest.fixture
def shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.manual_seed(0)
    save_judge(Judge(), tmp_path / "judge.safetensors")
    monkeypatch.setattr(studio.bench.run, "JUDGE", tmp_path / "judge.safetensors")
    path = tmp_path / "shape.yaml"
    path.write_text(yaml.safe_dump({**SHAPE, "languages": ["en", "zh"]}))
    return path


def test_a_bench_measures_every_variant_and_goes_on_where_it_was_stopped(
    shape: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bench"
    bench = run_bench(out, PLAN, shape=shape, base=str(tiny_folder), extra=TRAINING)

    assert {take["variant"] for take in bench["subjects"][0]["takes"]} == set(VARIANTS)
    likeness = bench["figures"]["person"]["likeness"]["median, of the ceiling"]
    assert likeness["adapter"].low <= likeness["adapter"].value <= likeness["adapter"].high
    assert set(bench["languages"]) == {"en", "zh"}
    assert [point["photos"] for point in bench["curve"]] == [1, 2, 1, 2]
    said = (out / "bench.md").read_text()
    assert "| median, of the ceiling |" in said
    assert (out / "curve.png").is_file()

    (out / "kept" / "object-0.json").unlink()
    kept = out / "kept" / "person-0.json"
    kept.write_text(kept.read_text().replace('"index": 0', '"index": 77'))
    again = run_bench(out, PLAN, shape=shape, base=str(tiny_folder), extra=TRAINING)
    assert again["subjects"][0]["index"] == 77
    assert again["subjects"][1] == bench["subjects"][1]
    assert json.loads((out / "bench.json").read_text())["base"] == str(tiny_folder)


def test_a_folder_with_another_bench_is_left_alone(
    shape: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "settings.json").write_text("{}")
    with pytest.raises(StudioError, match="other settings"):
        run_bench(tmp_path, PLAN, shape=shape, base=str(tiny_folder))
    assert (tmp_path / "settings.json").read_text() == "{}"


def test_a_missing_judge_is_named_with_what_trains_it(
    shape: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "judge.safetensors").unlink()
    with pytest.raises(StudioError, match="bases.pocket.train_judge"):
        run_bench(tmp_path / "out", PLAN, shape=shape, base=str(tiny_folder))


def take(variant: str, **values: float) -> dict[str, object]:
    shown = {"colours": {"coat": 0.1}, "place by corners": True, "scene": 0}
    scores = {
        **shown,
        "likeness": 0.5,
        "p10": 0.4,
        "worst": 0.3,
        "rank1": 1.0,
        "mAP": 1.0,
        "motion": 0.02,
    }
    return {"variant": variant, "prompt": {"action": True}, "traits": {}, **scores, **values}


def test_figures_are_means_of_a_subjects_takes_and_medians_over_subjects() -> None:
    subjects = [
        {
            "ceiling": 1.0,
            "takes": [
                take("adapter", likeness=level, motion=0.01),
                take("adapter", likeness=level + 0.2, motion=0.03),
                take("bleed", likeness=0.3),
                take("renamed", likeness=0.75),
                *(take(name) for name in ("base", "truth", "still")),
                take("stranger", likeness=0.2),
            ],
        }
        for level in (0.1, 0.5, 0.7)
    ]
    found = summarise(subjects, PocketShape(32, 5, 16, {}, {}, {}), "pet")
    assert found["likeness"]["median, of the ceiling"]["adapter"].value == pytest.approx(0.6)
    assert found["motion"]["over the base's"]["adapter"].value == pytest.approx(1.0)
    bleed = found["bleed"]["onto a prompt about nobody"]["adapter"]
    assert bleed.value == pytest.approx(0.1)
    renamed = found["bleed"]["onto another name"]["adapter"]
    assert renamed.value == pytest.approx(0.25)  # the base's is 0.5
    assert found["likeness"]["rank1"]["other"] is None
    for one in subjects:
        one["takes"] = [take for take in one["takes"] if take["variant"] != "renamed"]
    older = summarise(subjects, PocketShape(32, 5, 16, {}, {}, {}), "pet")
    assert older["bleed"]["onto another name"]["adapter"] is None
    coat = found["without a network"]["coat, pixels of that colour, of the truth's"]
    assert coat["adapter"].value == 1.0
    assert found["prompt"]["chance"]["action"] == pytest.approx(1 / 6)


@pytest.mark.parametrize(("base", "size"), [("pocket", 128), ("pocket-64", 64)])
def test_a_base_is_measured_in_clips_of_its_own_size(base: str, size: int) -> None:
    shape = read_shape(shape_for(base))
    assert (shape.size, shape.frames) == (size, find_base(base).frames)
    load_judge(judge_for(shape))


def test_each_world_has_a_judge_of_its_own() -> None:
    assert judge_for(read_shape(shape_for("pocket-64"))) == SMALL_JUDGE
    assert judge_for(read_shape(shape_for("pocket"))) == JUDGE


def test_a_base_whose_clips_are_unlike_the_true_ones_is_refused(
    shape: Path, tiny: Base, tmp_path: Path
) -> None:
    with pytest.raises(StudioError, match=r"draws clips 32 pixels high, and .* of 64, 128"):
        shape_for(tiny.source)
    longer = yaml.safe_load(shape.read_text()) | {"frames": 9}
    shape.write_text(yaml.safe_dump(longer))
    with pytest.raises(StudioError, match="32×32, 5 frames, 16 a second, .* 32×32, 9 frames"):
        run_bench(tmp_path / "out", PLAN, shape=shape, base=tiny.source)
    assert not (tmp_path / "out").exists()


def test_photos_that_the_audit_drops_are_not_counted(shape: Path, tmp_path: Path) -> None:
    judge = load_judge(tmp_path / "judge.safetensors")
    drawn, world = 32, read_shape(shape)
    one = add_individual(
        "person", 0, photos=drawn, narrow=True, gallery=2, judge=judge, shape=world, home=tmp_path
    )
    assert len(one.subject.learnt) < drawn
    assert len(one.photos) == len(one.who.photos_PD) == len(one.subject.learnt)
