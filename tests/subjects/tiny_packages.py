"""Face packages small enough to be written down: ONNX files with constant answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper


def shape_only(path: Path, *, outputs: int, side: int) -> None:
    """A model that has nothing but the shape of a detector (9 outputs) or a recogniser (1)."""
    names = [f"out{i}" for i in range(outputs)]
    _save(path, [helper.make_node("Flatten", ["image"], [name]) for name in names], side, names)


def two_faces_package(folder: Path) -> Path:
    """A detector that sees the same two faces in any picture, and a recogniser of mean colours.

    In a picture of 64 by 64 pixels the smaller face is 16 pixels wide around (16, 16) and looks 30
    degrees to the right; the larger, 32 wide, is around (49.6, 49.6).
    """
    answers = [_answers(stride) for stride in (8, 16, 32)]
    parts = [level[part] for part in range(3) for level in answers]
    names = [f"out{i}" for i in range(9)]
    nodes = [_constant(part, name) for part, name in zip(parts, names, strict=True)]
    _save(folder / "detector.onnx", nodes, 64, names)
    nodes = [
        _constant(np.eye(3, 512), "wide"),
        helper.make_node("GlobalAveragePool", ["image"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("MatMul", ["flat", "wide"], ["embedding"]),
    ]
    _save(folder / "recogniser.onnx", nodes, 112, ["embedding"])
    return folder


def liveness_addon(path: Path) -> Path:
    """A file for insightface's addon: a face is as live as it is bright."""
    nodes = [
        _constant(np.full(1, 1.0), "one"),
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "one"], ["live"]),
    ]
    _save(path, nodes, 80, ["live"], [[1]])
    return path


def _answers(stride: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, distances to the sides and landmarks of one level, in strides."""
    places = 2 * (64 // stride) ** 2
    scores, sides, points = np.zeros((places, 1)), np.ones((places, 4)), np.zeros((places, 10))
    if stride == 16:
        small, large = 10, 30  # two anchors a place: rows 1 and 3, columns 1 and 3 of a 4x4 grid
        scores[small], scores[large] = 0.8, 0.9
        sides[small], sides[large] = 0.5, (0.9, 0.9, 1.1, 1.1)
        points[[small, large]] = (-0.1, -0.3, 0.5, -0.3, 0.275, 0, 0, 0.4, 0.5, 0.4)
    return scores, sides, points


def _constant(value: np.ndarray, name: str) -> NodeProto:
    tensor = numpy_helper.from_array(value.astype(np.float32))
    return helper.make_node("Constant", [], [name], value=tensor)


def _save(
    path: Path,
    nodes: list[NodeProto],
    side: int,
    outputs: list[str],
    shapes: list[list[int]] | None = None,
) -> None:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, side, side])
    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip(outputs, shapes or [None] * len(outputs), strict=True)
    ]
    graph = helper.make_graph(nodes, path.stem, [image], infos)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)


def open_package(folder: Path) -> Path:
    """OpenCV's two files: one that sees the larger of those two faces in a picture of 64 by 64.

    Its recogniser gives mean colours.
    """
    names, nodes, shapes = [], [], []
    for part, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in (8, 16, 32):
            answer = np.zeros((1, (64 // stride) ** 2, width))
            if stride == 16:
                place = 15  # row 3 and column 3 of a 4x4 grid
                if width == 1:
                    answer[0, place] = 0.9
                elif width == 4:
                    answer[0, place] = (0.1, 0.1, np.log(2), np.log(2))
                else:
                    answer[0, place] = (-0.1, -0.3, 0.5, -0.3, 0.275, 0, 0, 0.4, 0.5, 0.4)
            name = f"{part}_{stride}"
            names.append(name)
            shapes.append(list(answer.shape))
            # An output that hangs on no input would be computed away.
            nodes += [
                _constant(answer, f"{name}_known"),
                helper.make_node("ReduceMean", ["image"], [f"{name}_mean"], keepdims=0),
                helper.make_node("Mul", [f"{name}_mean", "zero"], [f"{name}_nothing"]),
                helper.make_node("Add", [f"{name}_known", f"{name}_nothing"], [name]),
            ]
    nodes.insert(0, _constant(np.zeros(1), "zero"))
    _save(folder / "face_detection_yunet_2026may.onnx", nodes, 64, names, shapes)
    nodes = [
        _constant(np.eye(3, 128), "wide"),
        helper.make_node("GlobalAveragePool", ["image"], ["pool"]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("MatMul", ["flat", "wide"], ["embedding"]),
    ]
    _save(folder / "face_recognition_sface_2021dec.onnx", nodes, 112, ["embedding"], [[1, 128]])
    return folder
