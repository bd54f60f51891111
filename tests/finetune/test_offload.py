"""A base that waits outside the device that computes is learnt on as any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn
from torch.distributed.tensor import DTensor

from bases.catalogue import Base
from finetune.callbacks import preview
from finetune.errors import TrainingError
from finetune.thrift import Thrift, blocks_of
from finetune.train import train
from tests.finetune.test_thrift import learnt


@pytest.mark.parametrize("recompute", ["nothing", "everything"])
def test_the_gradients_are_the_same(tiny: Base, recompute: Any) -> None:
    plain, _ = learnt(tiny, Thrift(recompute=recompute))
    waiting, _ = learnt(tiny, Thrift(recompute=recompute, offload=True))
    assert torch.equal(waiting, plain)


def test_a_block_is_there_when_its_turn_comes_and_not_before_or_after(tiny: Base) -> None:
    """On the way there; on the way back a block comes again."""
    _, transformer = learnt(tiny, Thrift(recompute="everything", offload=True))
    blocks = list(blocks_of(transformer).values())
    assert len(blocks) > 1
    assert not any(map(_is_there, blocks))
    seen: list[list[bool]] = []
    for block in blocks:
        block.ffn.register_forward_hook(lambda *_: seen.append([_is_there(b) for b in blocks]))
    learning = {weight for weight in transformer.parameters() if weight.requires_grad}
    assert not any(isinstance(weight, DTensor) for weight in learning)
    inputs = {
        "hidden_states": torch.zeros(1, transformer.config.in_channels, 2, 4, 4),
        "timestep": torch.zeros(1),
        "encoder_hidden_states": torch.ones(1, 5, 32),
    }
    transformer(**inputs, return_dict=False)[0].sum().backward()
    there = [[row == column for column in range(len(blocks))] for row in range(len(blocks))]
    assert seen[: len(blocks)] == there
    assert len(seen) == 2 * len(blocks)
    assert not any(map(_is_there, blocks))


def _is_there(block: nn.Module) -> bool:
    return not isinstance(block.ffn.net[0].proj.weight, DTensor)


def test_who_moves_all_leaves_it_where_it_waits(tiny: Base) -> None:
    _, transformer = learnt(tiny, Thrift(offload=True))
    nn.ModuleList([transformer]).to("meta")
    assert {weight.device.type for weight in transformer.parameters()} == {"cpu"}


def test_a_training_is_the_same_and_shows_clips_on_the_way(
    home: Path, command: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its blocks lie elsewhere in memory, by which some CPUs round otherwise."""
    drawn: list[NDArray[np.uint8]] = []
    monkeypatch.setattr(preview, "write_mp4", lambda _, frames, **__: drawn.append(frames))
    shown = ("--output.preview_every=1",)
    plain = train(command(home, *shown, "--output.name=plain"))
    waiting = train(command(home, *shown, "--output.name=w", "--model.thrift.offload=true"))
    theirs, ours = (load_file(a.folder / "adapter.safetensors") for a in (plain, waiting))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=2e-6)
    assert len(drawn) == 8
    for before, after in zip(drawn[:4], drawn[4:], strict=True):
        np.testing.assert_allclose(after.astype(int), before.astype(int), atol=1)


def test_weights_of_few_bits_do_not_wait(home: Path, command: Callable[..., list[str]]) -> None:
    both = ("--model.thrift.offload=true", "--model.thrift.weights=int8")
    with pytest.raises(TrainingError, match="'int8' do not go together"):
        train(command(home, *both))
