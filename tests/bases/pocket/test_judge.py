from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Generator

from bases.errors import BrokenBase
from bases.pocket import PRESERVATION
from bases.pocket import train_judge as training
from bases.pocket.judge.examples import EVERY, examples
from bases.pocket.judge.look_alikes import SAME_PICTURE, apart, visible_look_alikes
from bases.pocket.judge.losses import portrait_losses, spots_loss, watching_losses
from bases.pocket.judge.lots import Lots
from bases.pocket.judge.network import Judge, load_judge, save_judge
from bases.pocket.judge.portraitist import SIDE, Portraitist
from bases.pocket.judge.reading import (
    expression_is_seen,
    face_is_seen,
    middle_of,
    read_colours,
    read_forms,
    spots_at,
)
from bases.pocket.judge.report import report, score
from bases.pocket.judge.traits import COLOURS, FORMS, measures, trait
from bases.pocket.judge.watcher import CELLS, SPOTS, Watched, Watcher, _with_changes
from bases.pocket.judge.windows import cut, seen_windows, true_windows
from bases.pocket.shape import PocketShape
from bases.pocket.train_judge import clips_of, stills_of
from bases.pocket.training import CPU
from bases.pocket.world import Repertoire, sample_looks, sample_scenes
from bases.pocket.world.looks import look_alikes
from bases.pocket.world.scenes import CHOICES
from bases.pocket.world.truth import film_with_truth
from tests.tiny_pocket import TINY

SHAPE = PocketShape(size=32, frames=5, fps=8, vae={}, transformer={}, text={})


def shown(kind="person", seed=0):
    return examples(4, SHAPE, Generator().manual_seed(seed), alike=(0.7,), kind=kind)


def test_every_second_frame_is_drawn_twice_over_for_each_individual():
    drawn = shown()
    assert drawn.clips.shape == (8, 3, (SHAPE.frames + 1) // EVERY, 32, 32)
    assert torch.equal(drawn.look.person.skin[:4], drawn.look.person.skin[4:])
    assert not torch.equal(drawn.scene.place[:4], drawn.scene.place[4:])


def test_look_alikes_share_some_traits_and_not_others():
    look = sample_looks(200, Generator().manual_seed(0))
    alike = look_alikes(look, Generator().manual_seed(1), keep=0.7)
    shared = (look.thing.size == alike.thing.size).float().mean()
    assert 0.6 < shared < 0.8
    same = look_alikes(look, Generator().manual_seed(1), keep=1.0)
    assert torch.equal(same.pet.coat, look.pet.coat)


def test_a_family_shares_more_and_more_traits():
    drawn = examples(8, SHAPE, Generator().manual_seed(0), alike=(0.1, 0.5, 1.0), kind="object")
    some, rough, half, same = drawn.look[:8].thing.size.chunk(4)
    assert torch.equal(same, some)
    assert not torch.equal(rough, some)
    assert len(drawn.clips) == 16


@pytest.mark.parametrize("kind", ["person", "pet", "object"])
def test_a_picture_tells_every_look_alike_from_the_one(kind):
    look = sample_looks(1, Generator().manual_seed(4))
    others = visible_look_alikes(look, kind, 30, Generator().manual_seed(5))
    assert len(others) == 30
    assert apart(look, others, kind).min() >= SAME_PICTURE
    assert apart(look, look, kind).item() == 0
    shared = (others.person.trousers == look.person.trousers).float().mean()
    assert 0.5 < shared < 0.9  # hidden here, so it does not choose


def small():
    return Judge(Watcher(width=32, depth=1), Portraitist(widths=(8, 8, 16, 16)))


def stills(kind="person", individuals=4):
    generator = Generator().manual_seed(0)
    return examples(individuals, SHAPE, generator, alike=(0.7,), frames=1, kind=kind)


def losses_of(judge, drawn):
    kind = drawn.scene.named("kind", 0)
    seen = judge.portraits(drawn.clips, true_windows(drawn.truth, kind, SHAPE.size))
    return list(portrait_losses(seen, drawn).values())


def test_every_weight_learns_from_the_kinds_together():
    judge = small()
    for kind in ("person", "pet", "object"):
        drawn = shown(kind)
        losses = list(watching_losses(judge.watcher(drawn.clips), drawn).values())
        torch.stack(losses + losses_of(judge, stills(kind))).sum().backward()
    assert [n for n, w in judge.named_parameters() if w.grad is None or not w.grad.any()] == []


def learn(weights, loss, steps=120):
    optimizer = torch.optim.AdamW(weights, lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.stack(list(loss())).sum().backward()
        optimizer.step()


def test_a_watcher_that_learns_one_batch_by_heart_gets_it_right():
    torch.manual_seed(0)
    judge, drawn = Judge(Watcher(width=64, depth=2), small().portraitist), shown()
    before = score(judge(drawn.clips), drawn, "person")["spots"].mean()
    watcher = judge.watcher
    learn(
        watcher.parameters(),
        lambda: watching_losses(watcher(drawn.clips), drawn).values(),
    )
    hits = score(judge.eval()(drawn.clips), drawn, "person")
    assert hits["action"].float().mean() == 1
    assert hits["place"].float().mean() == 1
    assert hits["spots"].mean() < 0.6 * before
    assert hits["mask, cells"].float().mean() > 0.85


def test_a_portraitist_that_learns_one_batch_by_heart_gets_it_right():
    torch.manual_seed(0)
    judge, drawn = small(), stills(individuals=8)
    learn(judge.portraitist.parameters(), lambda: losses_of(judge, drawn))
    seen = judge.portraits(drawn.clips, true_windows(drawn.truth, "person", SHAPE.size))
    told = {name: part[:, None] for name, part in seen.traits.items()}
    assert read_forms(told, drawn.look, "person")["hair_shape"].float().mean() > 0.85
    assert (seen.expression.argmax(-1) == drawn.scene.expression).float().mean() > 0.85
    nearest = (seen.identity @ seen.identity.T).fill_diagonal_(-1).argmax(1)
    assert torch.equal(nearest, torch.arange(16).roll(8))


def test_a_window_shows_what_lies_around_the_head_whatever_the_size():
    generator = Generator().manual_seed(0)
    look = sample_looks(6, generator)
    scene = sample_scenes(6, generator, kind="person", shot="close-up", move="still")
    windows = []
    for size in (64, 128):
        clips, truth = film_with_truth(look, scene, size=size)
        cuts = cut(clips[:, :, 0], true_windows(truth, "person", size)[:, 0])
        assert cuts.shape == (6, 6, SIDE, SIDE)
        windows.append(cuts)
    assert (windows[0] - windows[1]).abs().mean() < 0.05


def test_a_window_is_the_part_of_the_picture_that_it_names():
    picture = torch.rand(1, 3, 2 * SIDE, 2 * SIDE)
    quarter = cut(picture, torch.tensor([[-0.5, 0.5, 0.5]]))
    torch.testing.assert_close(quarter[:, :3], picture[:, :, SIDE:, :SIDE])
    assert cut(picture, torch.tensor([[9.0, 9.0, 0.5]])).abs().sum() == 0


@pytest.mark.parametrize("kind", ["person", "pet", "object"])
def test_who_watches_rightly_cuts_the_true_window(kind):
    generator = Generator().manual_seed(0)
    look = sample_looks(8, generator)
    scene = sample_scenes(8, generator, kind=kind, move="still", company="alone")
    _, truth = film_with_truth(look, scene, size=64)
    cells = ((truth.joints[:, :, :1] + 0.5) * (CELLS / 64) - 0.5).nan_to_num()
    place = torch.arange(CELLS)
    spots = -8 * (
        (place - cells[..., 0, None]).square()[..., None, :]
        + (place - cells[..., 1, None]).square()[..., :, None]
    )
    mask = torch.nn.functional.adaptive_avg_pool2d(truth.masks[:, 0], CELLS)
    told = {
        choice: torch.eye(len(CHOICES[choice]))[getattr(scene, choice)]
        for choice in ("kind", "shot")
    }
    found = seen_windows(Watched(mask.logit(1e-6), spots, told))
    true = true_windows(truth, kind, 64)
    torch.testing.assert_close(found, true, atol=0.05, rtol=0.01)
    moved = true_windows(truth, kind, 64, generator)
    assert 0 < (moved - true).abs().mean() < 0.2


def test_the_middle_of_a_mask_is_that_of_its_mass():
    mask = torch.zeros(1, 1, CELLS, CELLS)
    mask[..., 2:4, 12:14] = 1
    middle = middle_of(mask)[0, 0]
    torch.testing.assert_close(middle, torch.tensor([13, 3]) * (2 / CELLS) - 1)


def test_measures_are_of_mean_nought_and_deviation_one():
    for kind in FORMS:
        found = measures(sample_looks(2000, Generator().manual_seed(5)), kind)
        assert found.mean(0).abs().max() < 0.15
        assert (found.std(0) - 1).abs().max() < 0.15


def test_spots_are_read_where_they_are_least_wrong():
    cells = torch.rand(2, 3, len(SPOTS), 2) * (CELLS - 1)
    inside = torch.ones(cells.shape[:3], dtype=torch.bool)
    logits = torch.zeros(2, 3, len(SPOTS), CELLS, CELLS, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.5)
    for _ in range(60):
        optimizer.zero_grad()
        (spots_loss(logits, cells, inside) * len(SPOTS)).backward()
        optimizer.step()
    assert (spots_at(logits.detach()) - cells).abs().max() < 0.1


def test_spots_outside_the_picture_cost_nothing():
    logits = torch.randn(1, 1, len(SPOTS), CELLS, CELLS)
    nowhere = torch.zeros(1, 1, len(SPOTS), dtype=torch.bool)
    assert spots_loss(logits, torch.zeros(1, 1, len(SPOTS), 2), nowhere) == 0


def test_traits_are_right_when_they_are_the_individuals_own():
    drawn, traits = shown(), {}
    for name, names in FORMS["person"].items():
        own = trait(drawn.look, "person", name)
        traits[f"person.{name}"] = torch.eye(len(names))[own][:, None]
    for name in COLOURS["person"]:
        traits[f"person.{name}"] = trait(drawn.look, "person", name)[:, None] + 0.1
    assert all(right.all() for right in read_forms(traits, drawn.look, "person").values())
    assert all(right.all() for right in read_colours(traits, drawn.look, "person").values())
    others = drawn.look[[1, 2, 3, 0] * 2]
    assert not all(right.all() for right in read_forms(traits, others, "person").values())


def test_faces_are_read_near_and_from_the_front_alone():
    generator = Generator().manual_seed(0)
    near = sample_scenes(3, generator, kind="person", shot="close-up", view="front")
    back = sample_scenes(3, generator, kind="person", shot="close-up", view="back")
    far = sample_scenes(3, generator, kind="person", shot="wide", view="front")
    assert face_is_seen(near).all()
    assert not (face_is_seen(back) | face_is_seen(far)).any()
    thing = sample_scenes(3, generator, kind="object", shot="close-up", view="front")
    assert expression_is_seen(near).all()
    assert face_is_seen(thing).all()
    assert not expression_is_seen(thing).any(), "an object has no face"


def test_a_judge_comes_back_from_its_file(tmp_path):
    judge = Judge().eval()
    save_judge(judge, tmp_path / "judge.safetensors")
    known = load_judge(tmp_path / "judge.safetensors")
    clips = torch.rand(1, 3, 2, 48, 48) * 2 - 1
    seen, again = judge(clips), known(clips)
    assert set(seen.scene) == set(CHOICES)
    torch.testing.assert_close(seen.identity, again.identity, atol=0.03, rtol=0)


def test_the_report_names_each_kind_and_every_choice_there_is():
    world = Repertoire(kind=("person", "object"), place=("beach", "city"), move=("still",))
    said = report(Judge(), PocketShape(32, 5, 8, {}, {}, {}, world), clips=20)
    assert "person, 20 clips" in said
    assert "object, 20 clips" in said
    assert "place:" in said
    assert "move:" not in said


def test_a_file_that_holds_no_judge_is_said(tmp_path):
    (tmp_path / "words.safetensors").write_text("not numbers")
    for path in (tmp_path / "missing.safetensors", tmp_path / "words.safetensors", PRESERVATION):
        with pytest.raises(BrokenBase, match=f"{path.name}' holds no judge"):
            load_judge(path)


def lots(*, count: int = 3, makers: int = 0) -> Lots:
    make = partial(stills_of, 4, TINY, CPU)
    return Lots(make, count, makers=makers, seed=0, device=CPU)


@pytest.mark.parametrize("makers", [0, 1])
def test_a_new_lot_takes_the_oldest_ones_place(makers: int) -> None:
    known = lots(makers=makers)
    before = list(known._lots)
    while known._lots[1] is before[1]:
        known.renew()
    known.close()
    assert known._lots[0] is not before[0]
    assert known._lots[2] is before[2]
    assert not torch.equal(known._lots[0].clips, before[0].clips)
    assert len(known) == 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a GPU")
def test_a_gpu_draws_who_and_what_a_core_draws() -> None:
    here, there = clips_of(2, TINY, CPU, 0), clips_of(2, TINY, torch.device("cuda"), 0).to(CPU)
    assert torch.equal(here.scene.action, there.scene.action)
    torch.testing.assert_close(here.truth.masks, there.truth.masks, atol=1e-3, rtol=0)


def test_of_what_rests_no_lots_are_drawn() -> None:
    none = lots(count=0)
    none.renew()
    assert not none


@pytest.mark.parametrize(("watched", "portrayed"), [(1, 4), (0, 4), (1, 0)])
def test_both_halves_learn_or_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, watched: int, portrayed: int
) -> None:
    monkeypatch.setattr(training, "report", lambda *_: "judged")
    training.train_judge(
        TINY, tmp_path, steps=2, watched=watched, portrayed=portrayed, lots=2, renewed=1
    )
    torch.manual_seed(0)
    fresh, learnt = Judge(), load_judge(tmp_path / "judge.safetensors")
    for name, half in fresh.named_children():
        before = [weight.bfloat16().float() for weight in half.parameters()]
        after = list(getattr(learnt, name).parameters())
        same = all(torch.equal(*both) for both in zip(before, after, strict=True))
        assert same == ({"watcher": watched, "portraitist": portrayed}[name] == 0)


@pytest.mark.parametrize(("size", "sizes"), [(32, {32}), (64, {64}), (128, {64, 128})])
def test_stills_are_drawn_at_half_the_size_too_where_that_is_enough(
    size: int, sizes: set[int]
) -> None:
    shape = replace(TINY, size=size)
    assert {stills_of(4, shape, CPU, seed).clips.shape[-1] for seed in range(8)} == sizes
    assert clips_of(2, shape, CPU, 0).clips.shape[-1] == min(size, 64)


def test_a_watcher_sees_each_frame_beside_what_changed_since_the_one_before():
    clips = torch.rand(2, 3, 4, 64, 64)
    seen = _with_changes(clips).unflatten(0, (2, 4))
    frames = clips.transpose(1, 2)
    torch.testing.assert_close(seen[:, :, :3], frames)
    assert not seen[:, 0, 3:].any(), "nothing came before the first"
    torch.testing.assert_close(seen[:, 2, 3:], frames[:, 2] - frames[:, 1])


def test_a_place_is_watched_beside_itself_a_frame_before_and_after_and_no_further():
    watcher = Watcher(width=32, depth=1).eval()
    still = torch.zeros(5, 64, 32)
    flash = still.clone()
    flash[2, 7] = 1.0
    changed = (watcher._over_neighbours(flash, 5) - watcher._over_neighbours(still, 5)).abs()
    assert [bool(frame.any()) for frame in changed[:, 7]] == [False, True, True, True, False]
    assert not changed[:, :7].any()
