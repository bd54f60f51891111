"""Training hands the transformer what Wan's own pipeline hands it, and reads its answer alike."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bases.errors import BrokenBase
from bases.wan import TIMESTEPS, Wan
from tests.conftest import CPU

PROMPT, STEPS = "toto, an object, waving at the beach", 3


def test_a_prompt_is_followed_by_zeros(family: Wan) -> None:
    text = family.load("text", dtype=torch.float32, device=CPU)
    length = len(text.tokenizer(PROMPT).input_ids)
    hidden = family.encode_prompt(text, PROMPT)["encoder_hidden_states"][0]
    assert hidden[:length].abs().sum(-1).min() > 0
    assert not hidden[length:].any()


@pytest.mark.parametrize(("wanted", "legal"), [(0, 1), (1, 1), (4, 1), (5, 5), (16, 13), (81, 81)])
def test_frames_are_cut_to_a_legal_number(family: Wan, wanted: int, legal: int) -> None:
    assert family.grid.frames(wanted) == legal


def test_noise_is_counted_in_thousandths() -> None:
    assert TIMESTEPS == 1000


def _remove(name: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return act


def _cut(name: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:1000])

    return act


def _write(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text) and None


def _of_another_family(folder: Path) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "_class_name": "LTXPipeline"}))


WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_remove("model_index.json"), "model_index.json"),
        (_remove("tokenizer"), "tokenizer"),
        (_remove("vae"), "vae"),
        (_remove("scheduler"), "scheduler"),
        (_remove("transformer/config.json"), "transformer/config.json"),
        (_remove("text_encoder/model.safetensors"), "text_encoder/"),
        (_remove(f"vae/{WEIGHTS}"), "vae/"),
        (_remove("tokenizer/tokenizer.json"), "tokenizer/tokenizer.json"),
        (_remove("scheduler/scheduler_config.json"), "scheduler/scheduler_config.json"),
        (_cut(f"transformer/{WEIGHTS}"), f"transformer/{WEIGHTS}"),
        (_of_another_family, "LTXPipeline"),
        (_write("model_index.json", "{bad"), "cannot be loaded"),
        (_write("model_index.json", "[]"), "[]"),
        (_write("transformer/config.json", "{bad"), "cannot be loaded"),
    ],
)
def test_a_broken_base_says_which_part(
    tiny_folder: Path, tmp_path: Path, damage: Callable[[Path], None], named: str
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny_folder, folder)
    damage(folder)
    with pytest.raises(BrokenBase, match=re.escape(named)):
        Wan(folder).pipeline(dtype=torch.float32, device=CPU)
    with pytest.raises(BrokenBase, match=re.escape(named)):
        _ = Wan(folder).grid


@pytest.mark.parametrize(
    "damage",
    [
        _write("tokenizer/tokenizer.json", "{bad"),
        _write("scheduler/scheduler_config.json", "{bad"),
        lambda folder: _reconfigure(folder / "text_encoder", d_model=7),
        lambda folder: _reconfigure(folder / "transformer", num_layers=9),
    ],
)
def test_parts_that_do_not_fit_each_other_end_in_one_line(
    tiny_folder: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny_folder, folder)
    damage(folder)
    with pytest.raises(BrokenBase, match="copy or download it again") as refused:
        Wan(folder).pipeline(dtype=torch.float32, device=CPU)
    assert "\n" not in str(refused.value)


def test_a_base_that_is_not_on_this_machine_says_so() -> None:
    with pytest.raises(BrokenBase, match="if it is not on this machine yet, connect"):
        Wan("nobody/nothing").load("vae", dtype=torch.float32, device=CPU)


def _reconfigure(folder: Path, **changes: int) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_lost_shard_is_named(tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sharded"
    shutil.copytree(tiny_folder, folder)
    index = {"weight_map": {"a": WEIGHTS, "b": "shard-2.safetensors"}}
    (folder / "transformer" / f"{WEIGHTS}.index.json").write_text(json.dumps(index))
    with pytest.raises(BrokenBase, match=r"transformer/shard-2\.safetensors"):
        Wan(folder).load("transformer", dtype=torch.float32, device=CPU)
