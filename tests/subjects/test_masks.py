"""Masks say where the subject is: by its face, or by a segmentation model's outline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import (
    MaskFormerConfig,
    MaskFormerForInstanceSegmentation,
    ResNetConfig,
)
from transformers.models.maskformer.image_processing_pil_maskformer import (
    MaskFormerImageProcessorPil,
)

from subjects.masks import (
    Segmenter,
    SegmenterError,
    _labels_for,
    _own_parts,
    body_mask,
    head_mask,
)
from tests.subjects.tiny_segmenters import LABELS, segformer


def test_a_head_is_its_face_and_the_hair_around_it() -> None:
    mask = np.array(head_mask((90, 60), (30, 20, 60, 40)))
    assert mask[14:46, 21:69].all()
    assert not mask[:10].any()
    assert not mask[:, :15].any()
    assert not np.array(head_mask((90, 60), None)).any()


def test_a_body_is_below_its_face() -> None:
    mask = np.array(body_mask((90, 60), (40, 10, 50, 20)))
    assert mask[8:, 31:59].all()
    assert not mask[:5].any()
    assert not mask[:, :28].any()
    assert not mask[:, 62:].any()
    assert np.array(body_mask((90, 60), None)).all()


def test_of_several_outlines_those_under_the_face_are_the_subjects() -> None:
    inside = np.zeros((20, 30), bool)
    inside[2:18, 2:8] = inside[5:15, 20:24] = True
    assert _own_parts(inside, (21, 6, 23, 8))[10, 22]
    assert not _own_parts(inside, (21, 6, 23, 8))[10, 4]
    assert _own_parts(inside, None)[10, 4]
    assert not _own_parts(inside, None)[10, 22]
    assert not _own_parts(np.zeros((4, 4), bool), None).any()
    assert not _own_parts(inside, (10, 0, 12, 1)).any()


@pytest.mark.filterwarnings("ignore")
def test_an_outline_is_where_the_model_sees_the_noun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = Segmenter(segformer(tmp_path), "person", "woman")
    seen = torch.zeros(30, 40, dtype=torch.long)
    seen[5:25, 10:20] = 1
    seen[5:25, 30:35] = 2
    monkeypatch.setattr(
        segmenter._processor, "post_process_semantic_segmentation", lambda *_, **__: [seen]
    )
    mask = segmenter(Image.new("RGB", (40, 30)), None)
    assert mask is not None
    np.testing.assert_array_equal(np.array(mask) > 0, seen.numpy() == 1)
    seen[:] = 0
    assert segmenter(Image.new("RGB", (40, 30)), None) is None


@pytest.mark.filterwarnings("ignore")
def test_models_of_both_kinds_outline_a_picture(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = MaskFormerConfig(
        backbone_config=ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1],
            layer_type="basic", out_features=["stage1", "stage2", "stage3", "stage4"],
        ),
        fpn_feature_size=32, mask_feature_size=32, num_labels=3, id2label=LABELS,
        decoder_config={"model_type": "detr", "d_model": 8, "encoder_layers": 1,
            "decoder_layers": 1, "encoder_attention_heads": 1, "decoder_attention_heads": 1,
            "encoder_ffn_dim": 8, "decoder_ffn_dim": 8, "num_queries": 4},
    )  # fmt: skip
    MaskFormerForInstanceSegmentation(config).save_pretrained(tmp_path / "universal")
    size = {"height": 64, "width": 64}
    MaskFormerImageProcessorPil(size=size).save_pretrained(tmp_path / "universal")
    for folder in (tmp_path / "universal", segformer(tmp_path / "semantic")):
        mask = Segmenter(folder, "pet", "terrier")(Image.new("RGB", (80, 60)), None)
        assert mask is None or mask.size == (80, 60)


@pytest.mark.parametrize(
    ("noun", "labels"),
    [
        ("dog", [1]),
        ("Hot dog", [2]),
        ("old dog", [1]),
        ("teddy bear", [3]),
        ("terrier", [1, 4]),
        ("dining table", [5]),
        ("bear", [1, 4]),
    ],
)
def test_a_label_is_told_by_all_its_words_or_by_the_nouns_last(
    noun: str, labels: list[int]
) -> None:
    known = {1: "dog", 2: "hot dog", 3: "teddy_bear", 4: "animal, beast", 5: "desk;Dining  table"}
    assert _labels_for(known, noun, ("animal", "dog")) == labels
    assert _labels_for(known, "bear", ()) == [3]


@pytest.mark.filterwarnings("ignore")
def test_a_thing_that_the_model_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SegmenterError, match="does not outline a 'vase'; it knows wall, person"):
        Segmenter(segformer(tmp_path), "object", "vase")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("config", [None, "{", '{"model_type": "bert"}'])
def test_a_folder_without_such_a_model_is_refused(tmp_path: Path, config: str | None) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(SegmenterError, match="give (one|another)"):
        Segmenter(tmp_path, "person", "person")
