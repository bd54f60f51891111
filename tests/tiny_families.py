"""A tiny base of every kind that can be trained; whoever adds a family adds a line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.tiny_base import write_tiny_base
from tests.tiny_cogvideox import write_tiny_cogvideox
from tests.tiny_hunyuan_video import write_tiny_hunyuan_video
from tests.tiny_hunyuan_video15 import write_tiny_hunyuan_video15
from tests.tiny_kandinsky import write_tiny_kandinsky
from tests.tiny_ltx2 import write_tiny_ltx2
from tests.tiny_minimax_h3 import write_tiny_minimax_h3
from tests.tiny_mochi import write_tiny_mochi

TINY: dict[str, Callable[[Path], Path]] = {
    "wan2.1": write_tiny_base,
    "wan2.2-5b": partial(write_tiny_base, like="2.2-5b"),
    "wan2.2-a14b": partial(write_tiny_base, like="2.2-a14b"),
    "minimax-h3": write_tiny_minimax_h3,
    "minimax-h3-ref": partial(write_tiny_minimax_h3, task="ref2va"),
    "ltx-2": write_tiny_ltx2,
    "ltx-2.3": partial(write_tiny_ltx2, like="2.3"),
    "ltx-2.5": partial(write_tiny_ltx2, like="2.5"),
    "hunyuan-video-1.5": write_tiny_hunyuan_video15,
    "hunyuan-video": write_tiny_hunyuan_video,
    "kandinsky-5": write_tiny_kandinsky,
    "kandinsky-6": partial(write_tiny_kandinsky, version=6),
    "cogvideox-2b": write_tiny_cogvideox,
    "cogvideox-5b": partial(write_tiny_cogvideox, like="5b"),
    "cogvideox-1.5": partial(write_tiny_cogvideox, like="1.5"),
    "mochi": write_tiny_mochi,
}
