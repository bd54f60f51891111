"""An adapter is what was trained, for us and for plain diffusers alike."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import WanPipeline
from safetensors.torch import load_file, safe_open, save_file
from torch import Tensor, nn

from bases.catalogue import Base
from bases.fingerprint import fingerprint
from bases.wan import Wan
from finetune.adapter import (
    WEIGHTS,
    Adapter,
    add_lora,
    at_strength,
    change,
    lora_weights,
    write_weights,
)
from finetune.errors import BrokenAdapter, WrongBase
from finetune.train import train
from subjects import Subject
from tests.conftest import CPU
from tests.tiny_base import CHANNELS, write_tiny_base

RANK, ALPHA = 4, 8.0


def inputs() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        "hidden_states": torch.randn(2, CHANNELS, 2, 4, 4, generator=generator),
        "timestep": torch.tensor([300.0, 900.0]),
        "encoder_hidden_states": torch.randn(2, 48, 32, generator=generator),
    }


@torch.no_grad()
def output(transformer: nn.Module) -> Tensor:
    return transformer(**inputs(), return_dict=False)[0]


@pytest.fixture(scope="module")
def learnt(family: Wan) -> nn.Module:
    """A transformer whose LoRA layers have gone some steps."""
    transformer = family.load("transformer", dtype=torch.float32, device=CPU)
    add_lora(transformer, rank=RANK, alpha=ALPHA, targets=family.lora_targets, seed=0)
    weights = [weight for weight in transformer.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-2)
    for _ in range(3):
        transformer(**inputs(), return_dict=False)[0].square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
    return transformer


@pytest.fixture(scope="module")
def written(learnt: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    write_weights(folder / WEIGHTS, learnt)
    return folder


def plain_pipeline(tiny: Base) -> WanPipeline:
    return WanPipeline.from_pretrained(tiny.source, dtype=torch.float32)


def test_a_fresh_adapter_changes_nothing_yet(family: Wan) -> None:
    transformer = family.load("transformer", dtype=torch.float32, device=CPU)
    before = output(transformer)
    add_lora(transformer, rank=RANK, alpha=ALPHA, targets=family.lora_targets, seed=0)
    assert torch.equal(output(transformer), before)
    learning = {n for n, weight in transformer.named_parameters() if weight.requires_grad}
    assert len(learning) == 2 * 20
    assert all(".lora_A." in name or ".lora_B." in name for name in learning)


def test_a_seed_means_one_first_adapter_and_leaves_the_global_generator_alone(
    family: Wan,
) -> None:
    first = []
    for seed in (1, 1, 2):
        transformer = family.load("transformer", dtype=torch.float32, device=CPU)
        state = torch.get_rng_state()
        add_lora(transformer, rank=2, alpha=2, targets=family.lora_targets, seed=seed)
        assert torch.equal(torch.get_rng_state(), state)
        first.append(lora_weights(transformer))
    name = next(name for name in first[0] if ".lora_A." in name)
    assert torch.equal(first[0][name], first[1][name])
    assert not torch.equal(first[0][name], first[2][name])


def test_plain_diffusers_loads_what_was_trained(
    learnt: nn.Module, written: Path, tiny: Base
) -> None:
    pipe = plain_pipeline(tiny)
    base = output(pipe.transformer)
    pipe.load_lora_weights(written, weight_name=WEIGHTS)
    torch.testing.assert_close(output(pipe.transformer), output(learnt), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(base, output(learnt), atol=1e-2)


def test_a_finished_adapter_has_the_strength_that_was_asked_for(
    home: Path, command: Callable[..., list[str]]
) -> None:
    whole, half = (
        load_file(train(command(home, f"--output.name={name}", *more)).folder / WEIGHTS)
        for name, more in (("whole", ()), ("half", ("--model.strength=0.5",)))
    )
    for name, weight in whole.items():
        assert torch.equal(half[name], weight / 2 if ".lora_B." in name else weight)


def test_what_is_shown_on_the_way_has_the_strength_that_will_be_kept(
    learnt: nn.Module, tiny: Base, tmp_path: Path
) -> None:
    whole = output(learnt)
    with at_strength(learnt, 0.4):
        shown = output(learnt)
    assert torch.equal(output(learnt), whole)
    write_weights(tmp_path / WEIGHTS, learnt, strength=0.4)
    pipe = plain_pipeline(tiny)
    pipe.load_lora_weights(tmp_path, weight_name=WEIGHTS)
    torch.testing.assert_close(shown, output(pipe.transformer), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(shown, whole, atol=1e-2)


def test_a_reader_that_ignores_alpha_is_right(learnt: nn.Module, written: Path, tiny: Base) -> None:
    weights = load_file(written / WEIGHTS)
    transformer = plain_pipeline(tiny).transformer
    for name, down in weights.items():
        if ".lora_A." in name:
            layer = transformer.get_submodule(name.removeprefix("transformer.").split(".lora_A")[0])
            layer.weight.data += weights[name.replace(".lora_A.", ".lora_B.")] @ down
    torch.testing.assert_close(output(transformer), output(learnt), rtol=1e-4, atol=1e-5)


def test_the_file_says_that_alpha_is_the_rank(written: Path) -> None:
    with safe_open(written / WEIGHTS, framework="pt") as file:
        (record,) = (v for k, v in file.metadata().items() if k != "format")
    said = json.loads(record)
    assert said["transformer.r"] == said["transformer.lora_alpha"] == RANK


def test_every_targeted_layer_moved(trained: Adapter) -> None:
    weights = load_file(trained.folder / WEIGHTS)
    ups = {name: weight for name, weight in weights.items() if ".lora_B." in name}
    assert len(ups) == len(weights) / 2 == 20
    assert all(weight.abs().max() > 0 for weight in ups.values())


def test_the_change_is_the_norm_of_all_products() -> None:
    down, up = torch.randn(2, 5), torch.randn(3, 2)
    weights = {"a.lora_A.weight": down, "a.lora_B.weight": up}
    weights |= {"b.lora_A.weight": down, "b.lora_B.weight": up}
    assert change(weights) == pytest.approx(2**0.5 * (up @ down).norm().item())


def test_the_record_says_how_it_was_trained(trained: Adapter, tiny: Base) -> None:
    run = trained.run
    home = trained.folder.parents[1]
    subject = Subject.load(home, "toto")
    assert run["base"]["name"] == "tiny"
    assert run["base"]["fingerprint"] == tiny.fingerprint
    assert run["subject"] == {"name": "toto", "trigger": "toto", "noun": "object"}
    assert run["photos"]["count"] == len(subject.kept)
    (expert,) = run["experts"]
    assert (expert["name"], expert["part"], expert["file"]) == ("", "transformer", WEIGHTS)
    assert (expert["steps"], expert["tensors"]) == (4, 40)
    assert expert["change"] > 0
    assert expert["config"]["model"]["alpha"] == ALPHA
    assert expert["config"]["data"]["seed"] == 0
    assert run["versions"]["torch"] == torch.__version__


def test_a_finished_training_leaves_the_adapter_alone(trained: Adapter) -> None:
    assert sorted(path.name for path in trained.folder.iterdir()) == [
        "README.md",
        WEIGHTS,
        "run.json",
    ]
    home = trained.folder.parents[1]
    assert list((home / "runs").iterdir()) == []
    assert [path.name for path in (home / "adapters").iterdir()] == ["toto"]


def test_the_card_names_the_trigger_and_the_base(trained: Adapter) -> None:
    card = (trained.folder / "README.md").read_text()
    assert "toto" in card
    assert "`tiny`" in card
    assert "toto, an object, spinning" in card


def test_an_adapter_of_another_base_is_refused(
    trained: Adapter, tmp_path: Path, tiny: Base
) -> None:
    other = write_tiny_base(tmp_path / "other", seed=1)
    with pytest.raises(WrongBase, match=r"trained on base 'tiny'.*not on 'other'.*--base"):
        trained.check(fingerprint(str(other)), "other")
    trained.check(tiny.fingerprint, "tiny")


def _write(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(data) and None


def _experts(change: Callable[[list[Any]], list[Any]]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        run = json.loads((folder / "run.json").read_text())
        run["experts"] = change(run["experts"])
        (folder / "run.json").write_text(json.dumps(run))

    return write


def _spoil(folder: Path) -> None:
    weights = {name: weight * torch.nan for name, weight in load_file(folder / WEIGHTS).items()}
    save_file(weights, folder / WEIGHTS)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda folder: (folder / "run.json").unlink(), r"run\.json"),
        (_write("run.json", b"{"), r"run\.json"),
        (_write("run.json", b"[1]"), r"run\.json"),
        (_write("run.json", b"{}"), r"run\.json"),
        (_experts(lambda _: []), r"run\.json.*names no experts"),
        (_experts(lambda known: [known[0] | {"part": "transformer_9"}]), r"run\.json.*_9"),
        (_write("run.json", b'{"base": []}'), r"run\.json"),
        (_spoil, "no numbers"),
        (lambda folder: (folder / WEIGHTS).unlink(), r"adapter\.safetensors"),
        (_write(WEIGHTS, b"not weights at all"), r"adapter\.safetensors"),
    ],
)
def test_a_broken_adapter_says_what_is_broken(
    trained: Adapter, tiny: Base, tmp_path: Path, damage: Callable[[Path], None], named: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(trained.folder, folder)
    damage(folder)
    with pytest.raises(BrokenAdapter, match=named):
        Adapter(folder).check(tiny.fingerprint, "tiny")


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_every_precision_of_the_recipes_clips_and_learns(
    home: Path, command: Callable[..., list[str]], precision: str
) -> None:
    adapter = train(command(home, f"--trainer.precision={precision}", steps=2))
    assert adapter.run["experts"][0]["change"] > 0
