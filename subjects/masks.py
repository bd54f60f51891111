"""Masks: where in a photo the subject is, for losses that let it count for more.

Without a segmentation model a face tells: the head is around it, the body below. With one the mask
has the subject's own outline, and other people are left out of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from subjects.errors import SubjectError
from subjects.models import OFFLINE, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a face, in pixels."""

HEAD_MARGIN = 0.33
"""How far a head reaches beyond its face's box on every side, in shares of the box."""
_BODY_SIDES, _BODY_BELOW = 1.0, 7.0
"""How far a body reaches beside and below its face's box, in shares of the box."""

_KINDS = {
    "person": ("person", "human", "people"),
    "pet": ("animal", "dog", "cat", "horse", "bird", "rabbit", "sheep", "cow"),
    "object": (),
}


def head_mask(size: tuple[int, int], box: Box | None) -> Image.Image:
    """White where the subject's head is: its face's box, and `HEAD_MARGIN` more for hair.

    Args:
        size: width and height.
        box: of the face; all is black without one.
    """
    return _filled(size, box, sides=HEAD_MARGIN, below=HEAD_MARGIN)


def body_mask(size: tuple[int, int], box: Box | None) -> Image.Image:
    """White where the subject is, as far as its face tells: the head, and a body beneath it.

    Args:
        size: width and height.
        box: of the face; all is white without one.
    """
    if box is None:
        return _filled(size, (0, 0, *size), sides=0, below=0)
    return _filled(size, box, sides=_BODY_SIDES, below=_BODY_BELOW)


def _filled(size: tuple[int, int], box: Box | None, *, sides: float, below: float) -> Image.Image:
    from PIL import Image, ImageDraw

    mask = Image.new("L", size)
    if box is not None:
        left, top, right, bottom = box
        wide, high = right - left, bottom - top
        edges = (
            left - sides * wide,
            top - HEAD_MARGIN * high,
            right + sides * wide,
            bottom + below * high,
        )
        ImageDraw.Draw(mask).rectangle(edges, fill=255)
    return mask


class SegmenterError(SubjectError):
    """A folder that holds no model which outlines such subjects."""


class Segmenter:
    """A segmentation model of transformers', such as SegFormer or Mask2Former.

    Args:
        folder: of the model, as `save_pretrained` writes it; nothing is downloaded, and no code of
            it is run.
        kind: "person", "pet" or "object".
        class_noun: what the subject is; the model must know that word, or one for the kind.

    Raises:
        SegmenterError: if there is no such model in the folder, or it knows no such thing.
    """

    def __init__(self, folder: Path, kind: str, class_noun: str) -> None:
        """Load the model, onto the GPU if there is one."""
        import torch

        self._processor, model = opened(
            folder,
            _open,
            SegmenterError,
            does="outlines things",
            such_as="SegFormer or Mask2Former",
        )
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self._labels = _labels_for(self._model.config.id2label, class_noun, _KINDS[kind])
        if not self._labels:
            known = ", ".join(list(self._model.config.id2label.values())[:12])
            raise SegmenterError(
                f"{str(folder)!r} does not outline a {class_noun!r}; it knows {known} and "
                f"{max(len(self._model.config.id2label) - 12, 0)} more: give another."
            )

    def __call__(self, picture: Image.Image, box: Box | None) -> Image.Image | None:
        """White where the subject is; None where it is not found.

        Args:
            picture: RGB.
            box: of the subject's face: of several outlines, those that touch it are taken; the
                largest without one.
        """
        import torch
        from PIL import Image

        inputs = self._processor(images=picture, return_tensors="pt").to(self._model.device)
        with torch.no_grad():
            outputs = self._model(**inputs)
        size = [(picture.height, picture.width)]
        labels = self._processor.post_process_semantic_segmentation(outputs, target_sizes=size)[0]
        inside_HW = np.isin(labels.cpu().numpy(), self._labels)
        outline_HW = _own_parts(inside_HW, box)
        return Image.fromarray(outline_HW.astype(np.uint8) * 255) if outline_HW.any() else None


def _labels_for(known: dict[int, str], noun: str, kind: tuple[str, ...]) -> list[int]:
    """The labels of a noun, or else of its last word, or of all words for the kind.

    Or else those that end in its last word, as "potted plant" in "plant". A label may say several
    things for one, as "person, individual" does.
    """

    def plain(text: str) -> str:
        return " ".join(text.lower().replace("_", " ").split())

    names = {number: {*map(plain, re.split("[,;/]", label))} for number, label in known.items()}
    whole = plain(noun)
    last = whole.rpartition(" ")[2]
    for wanted in ({whole}, {last}, set(kind)):
        if found := [number for number, said in names.items() if said & wanted]:
            return found
    return [n for n, said in names.items() if any(one.endswith(f" {last}") for one in said)]


def _own_parts(inside_HW: NDArray[np.bool_], box: Box | None) -> NDArray[np.bool_]:
    """Of the connected parts those under the face, or the largest."""
    import cv2

    count, parts_HW, stats, _ = cv2.connectedComponentsWithStats(inside_HW.astype(np.uint8))
    if count < 2:
        return inside_HW
    if box is None:
        return np.asarray(parts_HW == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()))
    left, top, right, bottom = (max(round(edge), 0) for edge in box)
    under = np.unique(parts_HW[top : bottom + 1, left : right + 1])
    return np.isin(parts_HW, under[under > 0])


def _open(folder: Path) -> tuple[Any, Any]:
    import transformers

    processor = transformers.AutoImageProcessor.from_pretrained(folder, **OFFLINE)
    if not hasattr(processor, "post_process_semantic_segmentation"):
        raise ValueError("its processor gives no outlines")
    config = transformers.AutoConfig.from_pretrained(folder, **OFFLINE)
    if config.model_type == "oneformer":
        raise ValueError("OneFormer wants to be told a task beside each picture")
    semantic = type(config) in transformers.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING
    opener = (
        transformers.AutoModelForSemanticSegmentation
        if semantic
        else transformers.AutoModelForUniversalSegmentation
    )
    return processor, opener.from_pretrained(folder, **OFFLINE)
