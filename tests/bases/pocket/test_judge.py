import torch
from torch import Generator

from bases.pocket.judge.examples import EVERY, examples
from bases.pocket.judge.losses import judge_losses, spots_loss
from bases.pocket.judge.network import CELLS, SPOTS, Judge, load_judge, save_judge
from bases.pocket.judge.reading import face_is_seen, read_colours, read_forms, spots_at
from bases.pocket.judge.report import report, score
from bases.pocket.judge.traits import COLOURS, FORMS, trait
from bases.pocket.shape import PocketShape
from bases.pocket.world import Repertoire, sample_looks, sample_scenes
from bases.pocket.world.looks import look_alikes
from bases.pocket.world.scenes import CHOICES

SHAPE = PocketShape(size=32, frames=5, fps=8, vae={}, transformer={}, text={})


def shown(kind="person", seed=0):
    return examples(4, SHAPE, Generator().manual_seed(seed), kind)


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


def test_every_weight_learns_from_the_kinds_together():
    judge = Judge(width=32, depth=1)
    for kind in ("person", "pet", "object"):
        drawn = shown(kind)
        losses = judge_losses(judge(drawn.clips), drawn, Generator().manual_seed(0))
        torch.stack(list(losses.values())).sum().backward()
    assert [n for n, w in judge.named_parameters() if w.grad is None or not w.grad.any()] == []


def test_a_judge_that_learns_one_batch_by_heart_gets_it_right():
    torch.manual_seed(0)
    judge, drawn = Judge(width=64, depth=2), shown()
    optimizer = torch.optim.AdamW(judge.parameters(), lr=3e-3)
    before = score(judge(drawn.clips), drawn, "person")["spots"].mean()
    for _ in range(120):
        losses = judge_losses(judge(drawn.clips), drawn, Generator().manual_seed(0))
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimizer.step()
    hits = score(judge.eval()(drawn.clips), drawn, "person")
    assert hits["action"].float().mean() == 1
    assert hits["place"].float().mean() == 1
    assert hits["hair_shape"].float().mean() > 0.85
    assert hits["spots"].mean() < 0.6 * before
    assert hits["mask, cells"].float().mean() > 0.85


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
    drawn = shown()
    opinion = Judge(width=32, depth=1)(drawn.clips)
    for name, names in FORMS["person"].items():
        own = trait(drawn.look, "person", name)
        opinion.traits[f"person.{name}"] = torch.eye(len(names))[own][:, None]
    for name in COLOURS["person"]:
        opinion.traits[f"person.{name}"] = trait(drawn.look, "person", name)[:, None] + 0.1
    assert all(right.all() for right in read_forms(opinion, drawn.look, "person").values())
    assert all(right.all() for right in read_colours(opinion, drawn.look, "person").values())
    others = drawn.look[[1, 2, 3, 0] * 2]
    assert not all(right.all() for right in read_forms(opinion, others, "person").values())


def test_faces_are_read_near_and_from_the_front_alone():
    generator = Generator().manual_seed(0)
    near = sample_scenes(3, generator, kind="person", shot="close-up", view="front")
    back = sample_scenes(3, generator, kind="person", shot="close-up", view="back")
    far = sample_scenes(3, generator, kind="person", shot="wide", view="front")
    assert face_is_seen(near).all()
    assert not (face_is_seen(back) | face_is_seen(far)).any()


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
    said = report(Judge(), PocketShape(24, 3, 8, {}, {}, {}, world), clips=20)
    assert "person, 20 clips" in said
    assert "object, 20 clips" in said
    assert "place:" in said
    assert "move:" not in said
