"""What Pocket's training scripts share: resuming, the optimiser, several processes as one."""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from diffusers import AutoencoderKLWan, WanPipeline, WanTransformer3DModel
from torch import Tensor, nn

from bases.errors import BaseModelError, BrokenBase
from bases.pocket import BASE
from bases.pocket.casting import casting, draw_cast
from bases.pocket.crew import crew_seed, join_crew, share_gradients
from bases.pocket.flow import change, flow
from bases.pocket.latents import encode
from bases.pocket.muon import optimizers_for, orthogonal
from bases.pocket.parts import load_text, load_transformer, load_vae
from bases.pocket.pool import Supply
from bases.pocket.train_guidance import guided_flow, train_guidance
from bases.pocket.train_text import train_text
from bases.pocket.train_transformer import train_transformer
from bases.pocket.train_vae import train_vae
from bases.pocket.training import Run, descend, take_over
from bases.pocket.world.scenes import KINDS
from bases.scripts import run_script
from tests.tiny_pocket import TINY

_FEW = Supply(clips=4)


def test_orthogonal_brings_singular_values_near_one() -> None:
    matrix = torch.randn(24, 40, generator=torch.Generator().manual_seed(0))
    spread = torch.linalg.svdvals(matrix)
    values = torch.linalg.svdvals(orthogonal(matrix))
    assert spread.max() / spread.min() > 3
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    run = Run(tmp_path, steps=10, parts={"model": model}, save_seconds=0)
    for step in run:
        if step == 6:
            break
        nn.init.constant_(model.weight, step)
    again = nn.Linear(2, 2)
    steps = list(Run(tmp_path, steps=10, parts={"model": again}, save_seconds=0))
    assert steps == [6, 7, 8, 9]
    assert torch.equal(again.weight, torch.full((2, 2), 5.0))


def test_a_run_ends_with_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(0.0, 0.5)  # every look at it is half a second later
    monkeypatch.setattr("bases.pocket.training.time.monotonic", lambda: next(clock))
    run = Run(tmp_path, steps=1000, parts={"model": nn.Linear(2, 2)}, minutes=2)
    rates = [run.rate(1.0) for _ in run]
    assert len(rates) == 240
    assert max(rates) == 1
    assert rates[-1] < 0.02
    assert not list(Run(tmp_path, steps=1000, parts={"model": nn.Linear(2, 2)}, minutes=2))
    longer = Run(tmp_path, steps=1000, parts={"model": nn.Linear(2, 2)}, minutes=3)
    assert len(list(longer)) == 120
    for steps, minutes in ((0, None), (10, 0), (10, -1.0)):
        with pytest.raises(BaseModelError, match="more than 0 of each"):
            Run(tmp_path, steps=steps, parts={}, minutes=minutes)


def test_a_state_of_another_training_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in Run(tmp_path, steps=1, parts={"model": nn.Linear(2, 2)}):
        pass
    for parts in ({"model": nn.Linear(3, 3)}, {"other": nn.Linear(2, 2)}):
        with pytest.raises(BaseModelError, match=r"state\.pt' is of another training"):
            Run(tmp_path, steps=1, parts=parts)
    (tmp_path / "state.pt").write_bytes((tmp_path / "state.pt").read_bytes()[:300])
    with pytest.raises(BaseModelError, match="cut short"):
        Run(tmp_path, steps=1, parts={"model": nn.Linear(2, 2)})
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(BaseModelError, match="2 processes were started.* instead of torchrun"):
        Run(tmp_path / "new", steps=1, parts={})


def test_what_does_not_fit_is_not_taken_over() -> None:
    own = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 3))
    known = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 4), nn.Linear(4, 4))
    before = own[1].weight.clone()
    take_over(own, known)
    assert torch.equal(own[0].weight, known[0].weight)
    assert torch.equal(own[1].weight, before)


def test_a_curve_goes_on_when_other_losses_are_logged(tmp_path: Path) -> None:
    run = Run(tmp_path, steps=10, parts={})
    run.log(1, one=1.0, two=2.0)
    run.log(2, two=torch.tensor(3.0), three=4.0)
    run.plot()
    assert (tmp_path / "curve.csv").read_text().split() == ["step,one,two", "1,1,2", "2,nan,3"]


def test_the_vae_script_ends_with_weights_that_load_and_go_on(tmp_path: Path) -> None:
    train_vae(TINY, tmp_path / "first", steps=4, stills=2, clip_every=2, pool=2, makers=1)
    vae = AutoencoderKLWan.from_pretrained(tmp_path / "first" / "vae")
    assert all(spread > 0 for spread in vae.config.latents_std)
    train_vae(TINY, tmp_path / "next", init=tmp_path / "first" / "vae", steps=1, stills=1, pool=1)
    assert (tmp_path / "next" / "vae" / "config.json").is_file()


@pytest.mark.filterwarnings("ignore:Mismatch dtype")  # autocast leaves norms in float32
def test_the_transformer_script_ends_with_a_base_that_loads_and_goes_on(tmp_path: Path) -> None:
    train_vae(TINY, tmp_path / "vae", steps=2, stills=2, clips=1, pool=2)
    train_text(TINY, tmp_path / "text", steps=2, captions=4)
    vae, text, first = tmp_path / "vae" / "vae", tmp_path / "text", tmp_path / "first"
    train_transformer(TINY, vae, text, first, steps=2, stills=2, clips=1, supply=_FEW)
    pipe = WanPipeline.from_pretrained(first / "pocket")
    assert pipe.transformer.config.in_channels == 4
    next_ = tmp_path / "next"
    base = first / "pocket"
    train_transformer(TINY, vae, base, next_, init=base, steps=1, stills=1, clips=1, supply=_FEW)
    assert (next_ / "pocket" / "model_index.json").is_file()
    train_guidance(
        TINY, first / "pocket", tmp_path / "told", steps=2, stills=1, clips=1, supply=_FEW
    )
    told = WanPipeline.from_pretrained(tmp_path / "told" / "pocket")
    assert told.transformer.config.in_channels == 4


def test_guidance_leads_from_the_plain_flow_past_the_asked_one() -> None:
    torch.manual_seed(0)
    teacher = WanTransformer3DModel(**TINY.transformer)
    noisy, sigmas = torch.randn(2, 4, 2, 2, 2), torch.tensor([0.3, 0.9])
    words, unprompted = torch.randn(2, 5, 8), torch.zeros(1, 5, 8)
    with torch.no_grad():
        plain, asked, beyond = (
            guided_flow(teacher, noisy, sigmas, words, unprompted, scale)
            for scale in (0.0, 1.0, 3.0)
        )
    assert not torch.allclose(plain, asked)
    torch.testing.assert_close(beyond, plain + 3 * (asked - plain))
    torch.testing.assert_close(asked, flow(teacher, noisy, sigmas, words))


def test_guidance_multiplies_the_change_that_a_word_makes() -> None:
    """So that a base learns it from pairs, without asking about no words at all."""
    torch.manual_seed(0)
    teacher = WanTransformer3DModel(**TINY.transformer)
    noisy, sigmas = torch.randn(2, 4, 2, 2, 2), torch.tensor([0.3, 0.9])
    words, unprompted = torch.randn(4, 5, 8), torch.zeros(1, 5, 8)
    with torch.no_grad():
        first, second = (
            guided_flow(teacher, noisy, sigmas, said, unprompted, 3.0) for said in words.chunk(2)
        )
        twice = torch.cat((noisy, noisy)), torch.cat((sigmas, sigmas))
        own = change(flow(teacher, *twice, words))
    torch.testing.assert_close(first - second, 3 * own)


def test_masks_come_with_latents_cell_by_cell(tmp_path: Path) -> None:
    vae = AutoencoderKLWan(**TINY.vae, latents_mean=[0.0] * 4, latents_std=[1.0] * 4).eval()
    masks = torch.zeros(1, 1, 5, 16, 16)
    masks[:, :, 0, :8] = 1
    masks[:, :, 1:3, :, 8:] = 1
    encoded = encode(vae, torch.zeros(1, 3, 5, 16, 16), masks, 1 - masks)
    assert encoded.latents.shape == (1, 4, 2, 2, 2)
    assert encoded.subjects[0, 0].tolist() == [[[1, 1], [0, 0]], [[0, 0.5], [0, 0.5]]]
    assert torch.equal(encoded.faces, 1 - encoded.subjects)
    assert encoded.weights(2, 4)[0, 0, 0].tolist() == [[3, 3], [5, 5]]


def test_the_faces_of_people_are_where_their_skin_is() -> None:
    """And a pet has none."""
    shape = replace(TINY, size=64)
    cast = casting(3, 24, shape)
    video, subjects, faces = draw_cast(cast, shape, 1, torch.device("cpu"))
    people = cast.scene.kind == KINDS.index("person")
    assert 0 < people.sum() < 24
    assert (faces.sum((1, 2, 3, 4)) > 0).equal(people)
    assert ((faces * subjects).sum() / faces.sum()) > 0.7
    assert video.shape == (24, 3, 1, 64, 64)


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    mp.spawn(_train_a_half, args=(tmp_path,), nprocs=2)
    together = torch.load(tmp_path / "weights.pt", weights_only=True)
    alone = _trained(slice(0, 8))
    for name, weight in together.items():
        torch.testing.assert_close(weight, alone[name], rtol=2e-2, atol=2e-3)
    assert (tmp_path / "seeds-0").read_text() != (tmp_path / "seeds-1").read_text()


def _train_a_half(rank: int, folder: Path) -> None:
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    os.environ["MASTER_PORT"] = "29541"
    join_crew()
    (folder / f"seeds-{rank}").write_text(str([crew_seed(step) for step in range(3)]))
    weights = _trained(slice(4 * rank, 4 * rank + 4))
    if rank == 0:
        torch.save(weights, folder / "weights.pt")
    dist.destroy_process_group()


def _trained(part: slice) -> dict[str, Tensor]:
    """The weights of a small model after three steps on some of eight examples."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 3))
    examples = torch.randn(8, 6, generator=torch.Generator().manual_seed(1))[part]
    optimizers = optimizers_for(model, 1e-2)
    for _ in range(3):
        (model(examples) - examples[:, :3]).square().mean().backward()
        share_gradients(model.parameters())
        descend(optimizers, 1e-2)
    return model.state_dict()


def test_runs_of_different_seeds_see_different_examples() -> None:
    numbers = [crew_seed(step, seed) for seed in range(5) for step in (0, 1, 1_999_999)]
    assert len(set(numbers)) == 15
    assert max(numbers) < 10_000_000


@pytest.mark.parametrize(("step", "seed"), [(0, 5), (0, -1), (2_000_000, 0)])
def test_a_seed_that_would_reach_another_runs_examples_is_refused(step: int, seed: int) -> None:
    with pytest.raises(BaseModelError, match="give a seed from 0 to 4"):
        crew_seed(step, seed)


@pytest.mark.parametrize("wrong", [{"size": 68}, {"size": 0}, {"frames": 16}, {"frames": 1}])
def test_a_shape_that_has_no_latents_is_refused(wrong: dict[str, int]) -> None:
    (name, value), *_ = wrong.items()
    with pytest.raises(BaseModelError, match=rf"^{name}={value}: give .* multiple of"):
        replace(TINY, **wrong)


def test_a_part_that_is_missing_or_cut_short_is_named(tmp_path: Path) -> None:
    cut = tmp_path / "base" / "transformer"
    cut.mkdir(parents=True)
    (cut / "config.json").write_text("{}")
    (cut / "diffusion_pytorch_model.safetensors").write_bytes(b"cut")
    device = torch.device("cpu")
    with pytest.raises(BrokenBase, match=f"not whole: {tmp_path / 'vae'}. Give"):
        load_vae(tmp_path / "vae")
    with pytest.raises(BrokenBase, match="transformer/diffusion_pytorch_model.safetensors. Give"):
        load_transformer(tmp_path / "base")
    with pytest.raises(BrokenBase, match="base/text_encoder. Give"):
        load_text(tmp_path / "base", device)
    with pytest.raises(BrokenBase, match="holds 'WanTransformer3DModel', and 'AutoencoderKLWan'"):
        load_vae(BASE / "transformer")


def test_a_script_says_in_one_line_what_was_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def script() -> None:
        raise BrokenBase("Not there.")

    monkeypatch.setattr("sys.argv", ["script"])
    with pytest.raises(SystemExit, match=r"^Not there\.$"):
        run_script(script)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("world: {action: [fly]}", "action='fly' is none of stand, "),
        ("languages: [xx]", "languages: 'xx' is none of de, en, "),
    ],
)
def test_a_script_says_in_one_line_what_a_shape_cannot_have(
    setting: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shape.yaml"
    path.write_text(
        f"{{size: 32, frames: 5, fps: 8, vae: {{}}, transformer: {{}}, text: {{}}, {setting}}}"
    )
    monkeypatch.setattr("sys.argv", ["script", "--shape", str(path)])
    with pytest.raises(SystemExit, match=f"^{said}"):
        run_script(train_text)
