"""Tensors are written whole or not at all, and the same tensors as the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from finetune.tensors import write_tensors
from tests.full_disk import full_disk

TENSORS = {"b": torch.randn(3, 4), "a": torch.arange(5), "c": torch.ones(2, dtype=torch.bfloat16)}
METADATA = {"z": '在海边 "quoted"\n', "a": "1", "m": "2", "format": "pt"}


def test_tensors_and_metadata_come_back(tmp_path: Path) -> None:
    write_tensors(tmp_path / "kept.safetensors", TENSORS, METADATA)
    back = load_file(tmp_path / "kept.safetensors")
    assert set(back) == set(TENSORS)
    assert all(torch.equal(back[name], TENSORS[name]) for name in TENSORS)
    with safe_open(tmp_path / "kept.safetensors", framework="pt") as file:
        assert file.metadata() == METADATA


def test_equal_contents_are_equal_bytes(tmp_path: Path) -> None:
    for index in range(12):
        write_tensors(tmp_path / str(index), TENSORS, METADATA)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


@pytest.mark.parametrize("room", [0, 100, 400])
def test_a_full_disk_leaves_the_older_file(tmp_path: Path, room: int) -> None:
    path = tmp_path / "kept.safetensors"
    write_tensors(path, TENSORS, {})
    older = path.read_bytes()
    with full_disk(room), pytest.raises(OSError, match="large"):
        write_tensors(path, {"a": torch.zeros(1000)}, METADATA)
    assert path.read_bytes() == older
    assert list(tmp_path.iterdir()) == [path]
