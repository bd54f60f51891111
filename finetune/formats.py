"""Adapter files for other programs: ComfyUI's names and kohya's, read back before they are kept.

| format | names |
|---|---|
| diffusers | `transformer.blocks.0.attn1.to_q.lora_A.weight` |
| comfyui | `diffusion_model.blocks.0.self_attn.q.lora_A.weight` |
| kohya | `lora_unet_blocks_0_self_attn_q.lora_down.weight`, `.lora_up.weight`, `.alpha` |

An adapter's alpha is its rank, so that readers who ignore alpha are right too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bases.family import Family
from bases.files import whole_file
from bases.native import NativeNames
from finetune.adapter import change
from finetune.errors import AdapterError
from finetune.tensors import write_tensors

FORMATS = ("diffusers", "comfyui", "kohya")
_DOWN, _UP, _PREFIX = ".lora_A.weight", ".lora_B.weight", "transformer."


def check_format(style: str) -> None:
    """Make sure that a format is one of `FORMATS`.

    Raises:
        AdapterError: if not.
    """
    if style not in FORMATS:
        raise AdapterError(f"format {style!r} is none of {', '.join(FORMATS)}.")


def export(source: Path, target: Path, *, style: str, family: Family, run: dict[str, Any]) -> float:
    """Write an adapter's file in another format, as read back by the family's own loader.

    Args:
        source: the adapter's own file.
        target: the new one; what is there stays until the new one is proven.
        style: one of `FORMATS`.
        family: the base that it was trained on.
        run: the adapter's record.

    Returns:
        the size of the change that the adapter makes, the same in both files.

    Raises:
        AdapterError: if the format is unknown, or the adapter cannot be said in it.
        OSError: if the file cannot be written.
    """
    check_format(style)
    if style != "diffusers" and style not in family.native.formats:
        raise AdapterError(
            f"The format {style!r} is not known for {family.pipeline_class.__name__} yet: choose "
            "'diffusers'."
        )
    weights = load_file(source)
    if style != "diffusers":
        own = f"{family.prefix}."
        weights = {_PREFIX + name.removeprefix(own): weight for name, weight in weights.items()}
    with whole_file(target) as draft:
        write_tensors(draft, renamed(weights, style, family), _metadata(weights, run))
        back = _read_back(draft, style, family, weights)
        read = style == "diffusers" or family.native.read
        _compare(weights if read else renamed(weights, "comfyui", family), back, style)
    return change(back)


def renamed(weights: dict[str, Tensor], style: str, family: Family) -> dict[str, Tensor]:
    """Weights under the names of another format; `weights` has diffusers' own."""
    if style == "diffusers":
        return weights
    if style == "kohya" and family.native.read and family.native.flat:
        weights = _filled(weights, family)
    new = {}
    for name, (down, up) in _as_authors_have_them(weights, family.native):
        if style == "comfyui":
            new[f"diffusion_model.{name}{_DOWN}"], new[f"diffusion_model.{name}{_UP}"] = down, up
        else:
            flat = _flat(name)
            new[f"{flat}.lora_down.weight"], new[f"{flat}.lora_up.weight"] = down, up
            new[f"{flat}.alpha"] = torch.tensor(float(len(down)))
    return new


def _flat(name: str) -> str:
    return f"lora_unet_{name.replace('.', '_')}"


def _filled(weights: dict[str, Tensor], family: Family) -> dict[str, Tensor]:
    """Weights, with layers that do nothing where none was learnt: readers want them all."""
    rank, whole = len(next(w for name, w in weights.items() if name.endswith(_DOWN))), dict(weights)
    for name, layer in family.shell(family.part).named_modules():
        if isinstance(layer, nn.Linear) and re.fullmatch(family.lora_targets, name):
            whole.setdefault(_PREFIX + name + _DOWN, torch.zeros(rank, layer.in_features))
            whole.setdefault(_PREFIX + name + _UP, torch.zeros(layer.out_features, rank))
    return whole


Pair = tuple[Tensor, Tensor]


def _as_authors_have_them(
    weights: dict[str, Tensor], native: NativeNames
) -> Iterator[tuple[str, Pair]]:
    """Each layer by its native name, with what it is multiplied by: down, then up."""
    pairs = {
        layer.removeprefix(_PREFIX): (weights[layer + _DOWN], weights[layer + _UP])
        for layer in layers(weights)
    }
    for parts, whole in native.fused:
        pairs = _fused(pairs, parts, whole)
    for name, (down, up) in pairs.items():
        if name.endswith(native.swapped):
            up = torch.cat(up.chunk(2)[::-1])
        for ours, theirs in native.pieces:
            name = name.replace(ours, theirs)
        yield name, (down, up)


def _fused(pairs: dict[str, Pair], parts: tuple[str, ...], whole: str) -> dict[str, Pair]:
    """Layers that are one, of the sum of their ranks; one that was not trained adds nothing."""
    fused = {name: pair for name, pair in pairs.items() if not name.endswith(parts)}
    blocks = {
        name.removesuffix(part): pair
        for part in parts
        for name, pair in pairs.items()
        if name.endswith(part)
    }
    for block, (down, up) in blocks.items():
        none = down.new_zeros(0, down.shape[1]), up.new_zeros(len(up), 0)
        members = [pairs.get(block + part, none) for part in parts]
        downs, ups = zip(*members, strict=True)
        fused[block + whole] = torch.cat(downs), torch.block_diag(*ups)
    return fused


def layers(weights: dict[str, Tensor]) -> Iterator[str]:
    """The layers that an adapter changes, by their names in diffusers."""
    return (name.removesuffix(_DOWN) for name in weights if name.endswith(_DOWN))


def _read_back(
    path: Path, style: str, family: Family, weights: dict[str, Tensor]
) -> dict[str, Tensor]:
    if style == "diffusers":
        return load_file(path)
    native, names = family.native, [n for n, _ in _as_authors_have_them(weights, family.native)]
    if not native.read:
        return load_file(path) if style == "comfyui" else _dotted(load_file(path), names)
    try:
        if style == "kohya" and not native.flat:
            return family.pipeline_class.lora_state_dict(_dotted(load_file(path), names))
        return family.pipeline_class.lora_state_dict(path)
    except (KeyError, ValueError) as error:
        said = " ".join(str(error).split())[:160]
        raise AdapterError(
            f"This adapter cannot be said in the format {style!r} (its reader misses or does not "
            f"know {said}): were some layers alone trained? Choose 'comfyui' or 'diffusers'."
        ) from error


def _dotted(kohya: dict[str, Tensor], names: list[str]) -> dict[str, Tensor]:
    """What kohya's names say of layers of these native names, under ComfyUI's."""
    dotted = {}
    for name in names:
        down = kohya[f"{_flat(name)}.lora_down.weight"]
        strength = kohya[f"{_flat(name)}.alpha"] / len(down)
        dotted[f"diffusion_model.{name}{_DOWN}"] = down
        dotted[f"diffusion_model.{name}{_UP}"] = kohya[f"{_flat(name)}.lora_up.weight"] * strength
    return dotted


def _compare(weights: dict[str, Tensor], back: dict[str, Tensor], style: str) -> None:
    """Make sure that the loader makes the same change of every layer."""
    for layer in layers(weights):
        if layer + _DOWN not in back:
            raise AdapterError(f"The format {style!r} has no name that is read for {layer!r}.")
        ours = weights[layer + _UP].float() @ weights[layer + _DOWN].float()
        theirs = back[layer + _UP].float() @ back[layer + _DOWN].float()
        if not torch.allclose(ours, theirs, rtol=1e-4, atol=1e-6):
            raise AdapterError(f"In the format {style!r} the change of {layer!r} is another.")


def _metadata(weights: dict[str, Tensor], run: dict[str, Any]) -> dict[str, str]:
    """What readers look for in a file's header, and where the adapter comes from."""
    rank = str(len(next(weights[layer + _DOWN] for layer in layers(weights))))
    base, subject = run["base"], run["subject"]
    return {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.0",
        "modelspec.title": subject["name"],
        "modelspec.architecture": f"{base['name']}/lora",
        "modelspec.trigger_phrase": subject["trigger"],
        "modelspec.usage_hint": f"Begin the prompt with '{subject['trigger']}'.",
        "ss_network_module": "networks.lora",
        "ss_network_dim": rank,
        "ss_network_alpha": rank,
        "starring.base": base["fingerprint"],
        "starring.photos": run["photos"]["digest"],
    }
