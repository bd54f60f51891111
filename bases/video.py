"""Clips as files: H.264 in MP4, which every browser and phone plays."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from bases.files import whole_file

Frames = NDArray[np.uint8]
"""Frames (F, H, W, 3), RGB."""

_BT_709 = 1
"""FFmpeg's number for HD's colours, and for their limited range; players guess what is not said."""


def write_mp4(
    path: Path, frames: Frames, *, fps: int, settings: dict[str, Any] | None = None
) -> None:
    """Write a clip; an older file of that name is replaced only once the new one is whole.

    Args:
        path: where to.
        frames: (F, H, W, 3) with even height and width.
        fps: frames a second.
        settings: how the clip was made; kept as JSON in the file's comment.

    Raises:
        OSError: if the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        _encode(partial, frames, fps, settings or {})


def _encode(path: Path, frames: Frames, fps: int, settings: dict[str, Any]) -> None:
    options = {"movflags": "+faststart"}
    with av.open(str(path.absolute()), "w", format="mp4", options=options) as container:
        container.metadata["comment"] = json.dumps(settings, ensure_ascii=False)
        stream = container.add_stream("libx264", rate=Fraction(fps), options={"crf": "12"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for said in ("colorspace", "color_primaries", "color_trc", "color_range"):
            setattr(stream.codec_context, said, _BT_709)
        for picture in frames:
            shown = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(shown.reformat(format="yuv420p", dst_colorspace=_BT_709)))
        container.mux(stream.encode())


def settings_in(path: Path) -> dict[str, Any]:
    """The settings that a clip was written with; none of a file that is no clip of ours."""
    try:
        with av.open(str(path.absolute())) as container:
            said = json.loads(container.metadata.get("comment", "{}"))
    except (av.FFmpegError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def read_mp4(path: Path) -> tuple[Frames, dict[str, Any]]:
    """The frames of a clip and the settings it was written with."""
    with av.open(str(path.absolute())) as container:
        pictures = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        comment = container.metadata.get("comment", "{}")
    return np.stack(pictures).astype(np.uint8), json.loads(comment)
