"""The parts of a Pocket in a folder, read to train them or beside them."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from transformers import AutoTokenizer, UMT5EncoderModel

from bases.errors import BrokenBase
from bases.folder import lost_of
from bases.wan import WanText


def load_vae(folder: Path) -> AutoencoderKLWan:
    """The VAE in a folder of its own, in float32.

    Raises:
        BrokenBase: if it is not there, or not whole.
    """
    _check(folder, "AutoencoderKLWan")
    return AutoencoderKLWan.from_pretrained(folder, dtype=torch.float32)


def load_transformer(base: Path) -> WanTransformer3DModel:
    """The transformer of a base, in float32.

    Raises:
        BrokenBase: if it is not there, or not whole.
    """
    folder = base / "transformer"
    _check(folder, "WanTransformer3DModel")
    return WanTransformer3DModel.from_pretrained(folder, dtype=torch.float32)


def load_text(base: Path, device: torch.device) -> WanText:
    """The text encoder of a base or of a run of `train_text`, frozen, and its tokenizer.

    Raises:
        BrokenBase: if one of them is not there, or not whole.
    """
    _check(base / "text_encoder", "UMT5EncoderModel")
    _check(base / "tokenizer", "PreTrainedTokenizerFast")
    encoder = UMT5EncoderModel.from_pretrained(base / "text_encoder", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(base / "tokenizer")
    return WanText(tokenizer, encoder.requires_grad_(False).to(device))


def _check(folder: Path, kind: str) -> None:
    folder = folder.absolute()
    lost = [str(folder.parent / name) for name in lost_of(folder.parent, folder.name, kind)]
    if lost:
        raise BrokenBase(
            f"Not there, or not whole: {', '.join(lost)}. Give the folder of a base such as "
            "bases/pocket/weights/base, of its vae, or of what a training wrote."
        )
    if folder.name == "tokenizer":
        return
    said = json.loads((folder / "config.json").read_text())
    found = said.get("_class_name") or said.get("architectures")
    if found not in (kind, [kind]):
        raise BrokenBase(f"{str(folder)!r} holds {found!r}, and {kind!r} is wanted there.")
