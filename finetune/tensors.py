"""Tensors in safetensors files, whole or not at all, and of equal bytes for equal contents."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from bases.files import whole_file


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a file; an older one of that name is replaced only once the new one is whole.

    Args:
        path: where to.
        tensors: contiguous and on the CPU.
        metadata: kept in the file's header, in alphabetical order; the library itself would
            shuffle it, so that no two files were alike.

    Raises:
        OSError: if the disk is full or the folder cannot be written.
    """
    data = memoryview(save(tensors, metadata))
    size = int.from_bytes(data[:8], "little")
    header = json.loads(bytes(data[8 : 8 + size]))
    header["__metadata__"] = dict(sorted(metadata.items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with whole_file(path) as partial, partial.open("wb") as file:
        for piece in (len(text).to_bytes(8, "little"), text, data[8 + size :]):
            file.write(piece)
