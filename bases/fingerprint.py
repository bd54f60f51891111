"""A short name for a base's exact weights, so that an adapter finds out if it meets another."""

from __future__ import annotations

import hashlib
from pathlib import Path

SAMPLE_BYTES = 1 << 16


def fingerprint(source: str, part: str = "transformer") -> str:
    """Twelve hex digits from a transformer's configuration and samples of its weights.

    Reads 128 KiB a file, whatever the base weighs. A hub name stands for itself while its
    weights are not on this machine as a folder.
    """
    folder = Path(source) / part
    if not folder.is_dir():
        return hashlib.sha256(source.encode()).hexdigest()[:12]
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    if part != "transformer":
        digest.update(part.encode())
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            digest.update(file.read(SAMPLE_BYTES))
            file.seek(max(path.stat().st_size - SAMPLE_BYTES, 0))
            digest.update(file.read())
    return digest.hexdigest()[:12]
