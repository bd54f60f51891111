"""Image models with random weights, small enough to be made in a test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import (
    CLIPConfig,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    ViTConfig,
    ViTForImageClassification,
)
from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

_SIDE = 28
_CROP = {"height": _SIDE, "width": _SIDE}
_TINY = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}


def dinov2(folder: Path) -> Path:
    """An encoder of pictures alone."""
    torch.manual_seed(0)
    Dinov2Model(Dinov2Config(**_TINY, image_size=_SIDE, patch_size=14)).save_pretrained(folder)
    BitImageProcessorPil(size={"shortest_edge": _SIDE}, crop_size=_CROP).save_pretrained(folder)
    return folder


def clip(folder: Path) -> Path:
    """An encoder of pictures and words."""
    torch.manual_seed(0)
    vision = {**_TINY, "image_size": _SIDE, "patch_size": 14}
    model = CLIPModel(CLIPConfig(text_config=_TINY, vision_config=vision, projection_dim=8))
    model.save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": _SIDE}, crop_size=_CROP).save_pretrained(folder)
    return folder


def vit_classifier(folder: Path, labels: Sequence[str], prefers: int | None = None) -> Path:
    """A classifier of pictures that is sure of one label whatever it sees, or of none."""
    torch.manual_seed(0)
    names = dict(enumerate(labels))
    config = ViTConfig(
        **_TINY,
        image_size=_SIDE,
        patch_size=14,
        id2label=names,
        label2id={n: i for i, n in names.items()},
    )
    model = ViTForImageClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.zero_()
        if prefers is not None:
            model.classifier.bias[prefers] = 9
    model.save_pretrained(folder)
    ViTImageProcessorPil(size=_CROP).save_pretrained(folder)
    return folder
