"""Segmentation models of random weights, as folders of transformers."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import SegformerConfig, SegformerForSemanticSegmentation
from transformers.models.segformer.image_processing_pil_segformer import SegformerImageProcessorPil

LABELS = {0: "wall", 1: "person, individual", 2: "dog"}


def segformer(folder: Path, labels: dict[int, str] = LABELS, seed: int = 0) -> Path:
    """Write such a model into a folder."""
    torch.manual_seed(seed)
    config = SegformerConfig(
        hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8, id2label=labels, label2id={v: k for k, v in labels.items()},
    )  # fmt: skip
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    SegformerImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder
