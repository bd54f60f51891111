"""The two face networks as ONNX files, named and shaped as insightface expects them."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from bases.pocket.face_crops import CROP
from bases.pocket.face_networks import DETECTOR_SIZE, STRIDES

_OPSET = 17


def export_package(detector: nn.Module, recogniser: nn.Module, folder: Path) -> None:
    """Write `detector.onnx` and `recogniser.onnx` into a folder.

    The detector's input is fixed, so that insightface resizes every picture to it; the
    recogniser's batch is free.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{kind}_{stride}" for kind in ("score", "box", "landmarks") for stride in STRIDES]
    picture = torch.zeros(1, 3, DETECTOR_SIZE, DETECTOR_SIZE)
    _export(_Scored(detector), picture, folder / "detector.onnx", names)
    crop = torch.zeros(1, 3, CROP, CROP)
    _export(recogniser, crop, folder / "recogniser.onnx", ["embedding"], free_batch=True)


class _Scored(nn.Module):
    """The detector with probabilities in place of logits."""

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        outputs = self.detector(picture)
        return (*(score.sigmoid() for score in outputs[:3]), *outputs[3:])


def _export(
    network: nn.Module, example: Tensor, path: Path, names: list[str], *, free_batch: bool = False
) -> None:
    with warnings.catch_warnings():
        # The newer exporter needs a package that nothing else here needs.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.cpu().eval(),
            (example,),
            path,
            input_names=["input"],
            output_names=names,
            dynamic_axes={"input": {0: "batch"}, names[0]: {0: "batch"}} if free_batch else None,
            opset_version=_OPSET,
            dynamo=False,
        )
