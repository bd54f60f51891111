"""A short name for a base's exact weights, so that an adapter finds out if it meets another."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bases.folder import TRANSFORMER

SAMPLE_BYTES = 1 << 16


def fingerprint(source: str, *parts: str) -> str:
    """Twelve hex digits from the configurations of some networks and samples of their weights.

    Reads 128 KiB a file, whatever the base weighs. A hub name stands for itself while its
    weights are not on this machine as a folder.

    Args:
        source: a folder in diffusers' layout, or a name on the hub.
        parts: the networks' folders in it; the transformer alone if none is given.
    """
    folders = [Path(source) / part for part in parts or (TRANSFORMER,)]
    if not all(folder.is_dir() for folder in folders):
        return hashlib.sha256(source.encode()).hexdigest()[:12]
    digest = hashlib.sha256()
    for folder in folders:
        config = folder / "config.json"
        digest.update(config.read_bytes() if config.is_file() else b"")
        if folder.name != TRANSFORMER:
            digest.update(folder.name.encode())
        for path in sorted(folder.glob("*.safetensors")):
            with path.open("rb") as file:
                digest.update(file.read(SAMPLE_BYTES))
                file.seek(max(path.stat().st_size - SAMPLE_BYTES, 0))
                digest.update(file.read())
    return digest.hexdigest()[:12]
