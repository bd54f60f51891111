"""The two small networks of Pocket's face package, in the layouts that insightface reads.

Shape suffixes: B pictures, A anchors (two a place, places row by row).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DETECTOR_SIZE = 160
STRIDES = (8, 16, 32)
ANCHOR_SIZES = ((14.0, 22.0), (34.0, 54.0), (85.0, 135.0))
"""The size of face, in pixels of the detector's input, that each stride's two anchors look for."""

EMBEDDING = 512


class Detector(nn.Module):
    """Finds faces and their five landmarks, as insightface's `SCRFD` reads them.

    Args:
        widths: channels after the stem and at strides 8, 16 and 32.
    """

    def __init__(self, widths: tuple[int, int, int, int] = (24, 40, 72, 112)) -> None:
        super().__init__()
        self.stem = _convolution(3, widths[0], kernel=6, stride=4)
        self.stages = nn.ModuleList(
            nn.Sequential(_convolution(before, after, stride=2), _Residual(after))
            for before, after in zip(widths, widths[1:], strict=False)
        )
        self.heads = nn.ModuleList(_head(width) for width in widths[1:])

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """Look at pictures (B, 3, H, W): (x - 127.5) / 128, RGB, sides divisible by 32.

        Returns:
            nine tensors: for strides 8, 16 and 32 the scores' logits (B, A, 1); then the distances
            from the place to the box's left, top, right and bottom (B, A, 4); then the offsets to
            the landmarks (B, A, 10); distances and offsets in strides.
        """
        features = self.stem(pictures)
        rows = []
        for stage, head, stride, sizes in zip(
            self.stages, self.heads, STRIDES, ANCHOR_SIZES, strict=True
        ):
            features = stage(features)
            raw = head(features).permute(0, 2, 3, 1)
            raw = raw.reshape(raw.shape[0], -1, 2, 15)
            score, shape = raw[..., :1], raw[..., 1:] * (raw.new_tensor(sizes) / stride)[:, None]
            kinds = (score, shape[..., :4], shape[..., 4:])
            rows.append([kind.flatten(1, 2) for kind in kinds])
        return tuple(tensor for kind in zip(*rows, strict=True) for tensor in kind)


class Recogniser(nn.Module):
    """Turns aligned faces into directions that are close for one individual.

    Args:
        widths: channels at strides 4, 8, 16.
        narrow: channels that each place keeps before they are mixed into the embedding.
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 56, 112), narrow: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(3, widths[0], kernel=6, stride=4),
            _convolution(widths[0], widths[1], stride=2),
            _Residual(widths[1]),
            _convolution(widths[1], widths[2], stride=2),
            _Residual(widths[2]),
            _convolution(widths[2], narrow, kernel=1),
        )
        self.mix = nn.Linear(narrow * 7 * 7, EMBEDDING, bias=False)
        self.scale = nn.BatchNorm1d(EMBEDDING)

    def forward(self, crops: Tensor) -> Tensor:
        """Embed crops (B, 3, 112, 112): (x - 127.5) / 127.5, RGB; gives (B, 512)."""
        embedding: Tensor = self.scale(self.mix(self.body(crops).flatten(1)))
        return embedding


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


def _head(width: int) -> nn.Conv2d:
    """Fifteen numbers for each of two anchors; it starts sure of nothing, with boxes of a size."""
    head = nn.Conv2d(width, 2 * 15, 3, padding=1)
    bias = torch.zeros(2, 15)
    bias[:, 0], bias[:, 1:5] = -4.0, 0.5
    head.bias = nn.Parameter(bias.flatten())
    return head


def _convolution(before: int, after: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    padding = (kernel - 1) // 2 if stride == 1 or kernel == 3 else 1
    convolution = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())
