"""Files for programs whose names diffusers does not read change what the authors' layers are.

How each layer of the authors' is made of diffusers' own is written here a second time, the other
way round: as the authors' checkpoints are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import finetune.formats
from bases.catalogue import find_base
from bases.families import family_of
from finetune.adapter import WEIGHTS, add_lora, write_weights
from finetune.errors import AdapterError
from finetune.formats import export, layers
from tests.conftest import CPU
from tests.tiny_families import TINY

Read = Callable[[str, Tensor], dict[str, Tensor]]


def thirds(names: tuple[str, ...], weight: Tensor) -> dict[str, Tensor]:
    return dict(zip(names, weight.chunk(3), strict=True))


def hunyuan_video_15(name: str, weight: Tensor) -> dict[str, Tensor]:
    block, rest = re.fullmatch(r"double_blocks\.(\d+)\.(.*)", name).groups()
    inside = f"transformer_blocks.{block}"
    alone = {
        "img_attn.proj": "attn.to_out.0",
        "txt_attn.proj": "attn.to_add_out",
        "img_mlp.0": "ff.net.0.proj",
        "img_mlp.2": "ff.net.2",
        "txt_mlp.0": "ff_context.net.0.proj",
        "txt_mlp.2": "ff_context.net.2",
    }
    if rest == "img_attn.qkv":
        return thirds(tuple(f"{inside}.attn.to_{part}" for part in "qkv"), weight)
    if rest == "txt_attn.qkv":
        return thirds(tuple(f"{inside}.attn.add_{part}_proj" for part in "qkv"), weight)
    return {f"{inside}.{alone[rest]}": weight}


def mochi(name: str, weight: Tensor) -> dict[str, Tensor]:
    block, rest = re.fullmatch(r"blocks\.(\d+)\.(.*)", name).groups()
    inside = f"transformer_blocks.{block}"
    if rest == "attn.qkv_x":
        return thirds(tuple(f"{inside}.attn1.to_{part}" for part in "qkv"), weight)
    if rest == "attn.qkv_y":
        return thirds(tuple(f"{inside}.attn1.add_{part}_proj" for part in "qkv"), weight)
    if rest.endswith(".w1"):
        gate, linear = weight.chunk(2)
        own = "ff" if rest.startswith("mlp_x") else "ff_context"
        return {f"{inside}.{own}.net.0.proj": torch.cat([linear, gate])}
    alone = {
        "attn.proj_x": "attn1.to_out.0",
        "attn.proj_y": "attn1.to_add_out",
        "mlp_x.w2": "ff.net.2",
        "mlp_y.w2": "ff_context.net.2",
    }
    return {f"{inside}.{alone[rest]}": weight}


def cogvideox(name: str, weight: Tensor) -> dict[str, Tensor]:
    block, rest = re.fullmatch(r"blocks\.(\d+)\.(.*)", name).groups()
    alone = {
        "q": "attn1.to_q",
        "k": "attn1.to_k",
        "v": "attn1.to_v",
        "attn_out": "attn1.to_out.0",
        "ff_proj": "ff.net.0.proj",
        "ff_out": "ff.net.2",
    }
    return {f"transformer_blocks.{block}.{alone[rest]}": weight}


def kandinsky(name: str, weight: Tensor) -> dict[str, Tensor]:
    assert name.startswith("visual_transformer_blocks.")
    return {name: weight}


READ: dict[str, Read] = {
    "hunyuan-video-1.5": hunyuan_video_15,
    "mochi": mochi,
    "cogvideox-2b": cogvideox,
    "cogvideox-1.5": cogvideox,
    "kandinsky-5": kandinsky,
}


def changes(path: Path, style: str, names: list[str]) -> dict[str, Tensor]:
    """How much a file adds to each of the authors' layers, as a reader of the format has it."""
    file, added = load_file(path), {}
    for name in names:
        if style == "comfyui":
            down, up = (file.pop(f"diffusion_model.{name}.lora_{part}.weight") for part in "AB")
            added[name] = up @ down
        else:
            flat = f"lora_unet_{name.replace('.', '_')}"
            down, up = (file.pop(f"{flat}.lora_{part}.weight") for part in ("down", "up"))
            added[name] = up @ down * file.pop(f"{flat}.alpha") / len(down)
    assert not file
    return added


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes an adapter of random layers on a tiny base, and exports it; gives that file."""

    def export_from(name: str, style: str) -> Path:
        base = find_base(str(TINY[name](tmp_path / name)))
        family = family_of(base)
        transformer = family.load("transformer", dtype=torch.float32, device=CPU)
        add_lora(transformer, rank=3, alpha=3, targets=family.lora_targets, seed=1)
        generator = torch.Generator().manual_seed(2)
        for layer, weight in transformer.named_parameters():
            if ".lora_B." in layer:
                weight.data = torch.randn(weight.shape, generator=generator)
        write_weights(tmp_path / WEIGHTS, transformer)
        run = {
            "base": {"name": name, "fingerprint": base.fingerprint},
            "subject": {"name": "toto", "trigger": "toto"},
            "photos": {"digest": "0"},
        }
        target = tmp_path / f"{style}.safetensors"
        export(tmp_path / WEIGHTS, target, style=style, family=family, run=run)
        return target

    return export_from


@pytest.mark.parametrize("name", READ)
def test_the_authors_layers_change_as_the_adapters_do(
    write: Callable[[str, str], Path], tmp_path: Path, name: str
) -> None:
    files = {style: write(name, style) for style in ("comfyui", "kohya")}
    downs = (n for n in load_file(files["comfyui"]) if n.endswith(".lora_A.weight"))
    names = [n.removeprefix("diffusion_model.").removesuffix(".lora_A.weight") for n in downs]
    ours = load_file(tmp_path / WEIGHTS)
    wanted = {
        layer.removeprefix("transformer."): ours[f"{layer}.lora_B.weight"]
        @ ours[f"{layer}.lora_A.weight"]
        for layer in layers(ours)
    }
    for style, path in files.items():
        found: dict[str, Tensor] = {}
        for layer, weight in changes(path, style, names).items():
            found |= READ[name](layer, weight)
        assert found.keys() == wanted.keys()
        for layer, weight in wanted.items():
            torch.testing.assert_close(found[layer], weight)


def test_a_file_that_lost_a_layer_is_not_kept(
    write: Callable[[str, str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = finetune.formats.write_tensors

    def lossy(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
        lost = next(iter(tensors)).rpartition(".lora_")[0]
        whole(path, {n: w for n, w in tensors.items() if not n.startswith(lost)}, metadata)

    monkeypatch.setattr(finetune.formats, "write_tensors", lossy)
    with pytest.raises(AdapterError, match="no name that is read"):
        write("mochi", "comfyui")
    assert not (tmp_path / "comfyui.safetensors").exists()
