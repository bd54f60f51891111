"""LoRA layers that begin by hearing the subject's name alone.

What an adapter learns from photos of one subject it does to everybody, unless its layers hear who
is meant. But a prompt about the subject and one about somebody else are nearly alike, and learning
takes the directions that both have first. So the layers are given other directions to begin with:

1. Where blocks listen to the prompt, those in which the tokens of the subject's prompts are louder
   than those of others'.
2. Of what each token of a clip carries from block to block, one direction is hardly used. Into it
   every block writes how much of the subject's name it hears.
3. Everywhere else those in which the name is now louder than all else. What a layer made of it so
   far is taken out, so that what is written there only tells.

A layer that does not hear the name has no part in the adapter. What the others do about it they
learn, and the prior keeps them from hearing more (`model.prior_weight`).

Shape suffixes: N tokens under the subject's name, M under others', D numbers a token, R directions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from finetune.errors import TrainingError
from finetune.thrift import blocks_of

_LOUD = 25.0
"""Times the energy that others' prompts have in a direction, or it is not heard."""

_DIRECTIONS, _LISTENED = 8, 4
_TOKENS = 64
"""Of each example, spread evenly."""

_RIDGE = 1e-3
_SLOT = "default"


@dataclass(frozen=True)
class Asking:
    """Takes noisy examples through a transformer, twice.

    Attributes:
        named: under prompts about the subject.
        unnamed: under the same about nobody and about other names.
        dtype: the precision in which they go through.
    """

    named: Callable[[], None]
    unnamed: Callable[[], None]
    dtype: torch.dtype = torch.float32

    def heard(self, modules: dict[str, nn.Module]) -> dict[str, tuple[Tensor, Tensor]]:
        """What modules are given under either, by their names: (N, D) and (M, D)."""
        named, unnamed = (_inputs(modules, ask) for ask in (self.named, self.unnamed))
        return {name: (named[name], unnamed[name]) for name in modules}


def hear_the_name(transformer: Any, listening: str, asking: Asking, *, loudness: float) -> float:
    """Let the LoRA layers of a transformer begin with the subject's name.

    Args:
        transformer: with fresh LoRA layers.
        listening: by what name its blocks know their attention to the prompt.
        asking: takes examples through it.
        loudness: of what is written that the name is heard, in spreads of what a token carries.

    Returns:
        how many times louder than others' the subject's prompts are where they are loudest.

    Raises:
        TrainingError: if there are no LoRA layers where its blocks listen.
    """
    layers = {name: part for name, part in transformer.named_modules() if _learns(part)}
    listeners = [name for name in layers if re.search(rf"\.{listening}\.to_[kv]$", name)]
    wanted = {f"{block}.{listening}.to_v" for block in blocks_of(transformer)}
    if missing := wanted - layers.keys():
        raise TrainingError(
            f"model.name_gate wants a LoRA layer on {min(missing)!r} and its like, where "
            "the prompt is heard: let model.targets match them, or leave model.name_gate at 0."
        )
    with torch.no_grad():
        blocks = blocks_of(transformer)
        heard = asking.heard({**blocks, **{name: layers[name] for name in listeners}})
        told = max(_listen(layers[name], *heard[name]) for name in listeners)
        streams = {name: heard[name][1] for name in blocks}
        _write(transformer, layers, listening, asking, streams, loudness)
        others = {name: part for name, part in layers.items() if name not in listeners}
        for _ in range(2):  # what a layer does no more, those behind it hear no more
            hearing = _read(others, f".{listening}.to_out", asking)
    for name in others.keys() - hearing:
        layers[name].delete_adapter(_SLOT)
    kept = [name for name in layers if name in hearing or name in listeners]
    transformer.peft_config[_SLOT].target_modules = "|".join(re.escape(name) for name in kept)
    return told


def louder(own_ND: Tensor, others_MD: Tensor) -> tuple[Tensor, Tensor]:
    """Directions in which some tokens have the most energy for that which others have.

    They are the generalised eigenvectors of the two second moments, as in Fisher's discriminant
    (1936), with a ridge on the others'.

    Returns:
        the directions as rows (R, D), the loudest first, each of unit energy among the others, and
        how many times as loud directions are (R,) that half of the tokens give and the other half
        measures.
    """
    own_ND, others_MD = own_ND.double(), others_MD.double()
    (own, own_held), (others, others_held) = _halves(own_ND), _halves(others_MD)
    half_RD = _directions(own, others)
    energies = [(held @ half_RD.T).square().mean(0) for held in (own_held, others_held)]
    return _directions(own_ND, others_MD).float(), (energies[0] / energies[1]).float()


def _directions(own_ND: Tensor, others_MD: Tensor) -> Tensor:
    root_DD = _root(others_MD)
    white_ND = torch.linalg.solve_triangular(root_DD, own_ND.T, upper=False).T
    *_, rows = torch.linalg.svd(white_ND, full_matrices=False)
    found_RD: Tensor = torch.linalg.solve_triangular(root_DD.T, rows[:_DIRECTIONS].T, upper=True).T
    return found_RD


def _root(tokens_ND: Tensor) -> Tensor:
    """The Cholesky factor (D, D) of tokens' second moment, with a ridge."""
    second_DD = tokens_ND.T @ tokens_ND / len(tokens_ND)
    ridge = _RIDGE * second_DD.diagonal().mean()
    root_DD: Tensor = torch.linalg.cholesky(second_DD + ridge * torch.eye(len(second_DD)).to(ridge))
    return root_DD


def _halves(tokens_ND: Tensor) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(tokens_ND), generator=torch.Generator().manual_seed(0))
    first, second = tokens_ND[order].tensor_split(2)
    return first, second


def _inputs(modules: dict[str, nn.Module], ask: Callable[[], None]) -> dict[str, Tensor]:
    """What modules are given while something is asked, some tokens of each batch, (N, D)."""
    kept = defaultdict(list)

    def keep(name: str, _: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        tokens = (args[0] if args else named["hidden_states"]).detach().flatten(0, -2)
        kept[name].append(tokens[:: max(1, len(tokens) // _TOKENS)].float().cpu())

    hooks = [
        module.register_forward_pre_hook(partial(keep, name), with_kwargs=True)
        for name, module in modules.items()
    ]
    try:
        ask()
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(parts) for name, parts in kept.items()}


def _listen(layer: Any, own_ND: Tensor, others_MD: Tensor) -> float:
    """Let a layer that hears the prompt's tokens hear the name; returns how loud it is.

    First in the direction that tells the two apart in the mean, as attention hears them.
    """
    found_RD, times = louder(own_ND, others_MD)
    found_RD = torch.cat([_apart(own_ND, others_MD), found_RD[: _LISTENED - 1]])
    _begin(layer, found_RD / (own_ND @ found_RD.T).square().mean(0).sqrt()[:, None])
    return times[0].item()


def _apart(own_ND: Tensor, others_MD: Tensor) -> Tensor:
    """Fisher's discriminant (1, D), louder in the mean of the first tokens."""
    difference_D1 = (own_ND.mean(0) - others_MD.mean(0)).double()[:, None]
    found_D1 = torch.cholesky_solve(difference_D1, _root(others_MD.double()))
    return found_D1.T.float()


def _write(
    transformer: Any,
    layers: dict[str, Any],
    listening: str,
    asking: Asking,
    streams: dict[str, Tensor],
    loudness: float,
) -> None:
    """Let every block but the last write that it hears the name where little else is written."""
    blocks, names = blocks_of(transformer), list(streams)
    spread = {name: tokens.std(1).mean().item() for name, tokens in streams.items()}
    unused_D = _unused([streams[name] for name in names[1:]])
    writers = {}
    for name in names[:-1]:
        value = layers[f"{name}.{listening}.to_v"].lora_B[_SLOT].weight
        out = transformer.get_submodule(f"{name}.{listening}.to_out.0")
        out_DD = _made_of(out, torch.eye(len(value)), asking.dtype)
        gram_DD = out_DD @ out_DD.T
        gram_DD += _RIDGE * gram_DD.diagonal().mean() * torch.eye(len(gram_DD))
        writers[name] = value[:, 0]
        writers[name].copy_(torch.linalg.solve(gram_DD, out_DD @ unused_D))
    written = {
        name: ((own.mean(0) - others.mean(0)) @ unused_D).item()
        for name, (own, others) in asking.heard(blocks).items()
    }
    for name, after in pairwise(names):
        unit = written[after] - written[name]
        wanted = loudness * (spread[after] - (spread[name] if name != names[0] else 0.0))
        writers[name] *= max(0.0, wanted / unit) if unit else 0.0


def _unused(streams: list[Tensor]) -> Tensor:
    """The direction (D,) in which normalised tokens (N, D) of all streams have the least energy.

    It sums to zero, for blocks see what is left of a token beyond its mean.
    """
    width = streams[0].shape[1]
    total = torch.full((width, width), 1e3 / width, dtype=torch.float64)
    for tokens in streams:
        normal = nn.functional.layer_norm(tokens, (width,)).double()
        total += normal.T @ normal / len(normal)
    return torch.linalg.eigh(total).eigenvectors[:, 0].float()


def _read(layers: dict[str, Any], outlet: str, asking: Asking) -> set[str]:
    """Let layers hear what is loud under the name; returns which of them hear anything.

    What the layer itself makes of it is taken out, but where the attention to the prompt comes out:
    there it is what was written.
    """
    heard = asking.heard(layers)
    hearing = set()
    for name, layer in layers.items():
        own, others = heard[name]
        directions, times = louder(own, others)
        directions = directions[: int((times > _LOUD).sum())]
        _begin(layer, directions / (own @ directions.T).square().mean().sqrt())
        if not len(directions):
            continue
        hearing.add(name)
        if outlet not in name:
            _take_out(layer, own.mean(0) - others.mean(0), asking.dtype)
    return hearing


def _learns(layer: nn.Module) -> bool:
    """Whether the adapter that learns changes a layer; one that helps may change others."""
    return _SLOT in getattr(layer, "lora_A", ())


def _begin(layer: Any, directions_RD: Tensor) -> None:
    """Let a LoRA layer hear directions, and do nothing about them yet."""
    down, up = layer.lora_A[_SLOT].weight, layer.lora_B[_SLOT].weight
    directions_RD = directions_RD[: len(down)]
    down.zero_()
    up.zero_()
    down[: len(directions_RD)] = directions_RD.to(down)


def _take_out(layer: Any, difference_D: Tensor, dtype: torch.dtype) -> None:
    """Let a LoRA layer undo what the layer beneath makes of a difference between its inputs."""
    down, up = layer.lora_A[_SLOT].weight, layer.lora_B[_SLOT].weight
    heard_R = down @ difference_D.to(down)
    undone_O = _made_of(layer, difference_D[None], dtype)[0].to(up)
    up.copy_(-torch.outer(undone_O, heard_R) / heard_R.square().sum() / layer.scaling[_SLOT])


def _made_of(layer: Any, rows_ND: Tensor, dtype: torch.dtype) -> Tensor:
    """What a layer, in however many bits, makes of rows without its LoRA and its bias."""
    plain = getattr(layer, "base_layer", layer)
    device = next(plain.parameters()).device
    rows = torch.cat([rows_ND, torch.zeros_like(rows_ND[:1])]).to(device, dtype)
    made: Tensor = plain(rows).float().cpu()
    return made[:-1] - made[-1]
