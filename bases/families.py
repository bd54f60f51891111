"""Every family, and which of them a base belongs to."""

from __future__ import annotations

from bases.cogvideox import CogVideoX
from bases.errors import BrokenBase
from bases.family import Family
from bases.folder import read_index
from bases.hunyuan_video import HunyuanVideo
from bases.hunyuan_video15 import HunyuanVideo15
from bases.kandinsky import Kandinsky5, Kandinsky6
from bases.loading import loading
from bases.ltx2 import LTX2
from bases.minimax_h3 import MiniMaxH3
from bases.mochi import Mochi
from bases.objective import FlowMatching
from bases.wan import Wan

FAMILIES: tuple[type[Family], ...] = (
    Wan,
    MiniMaxH3,
    LTX2,
    HunyuanVideo15,
    HunyuanVideo,
    Kandinsky6,
    Kandinsky5,
    CogVideoX,
    Mochi,
)


def family_of(source: str, objective: FlowMatching | None = None) -> Family:
    """The base in a folder or on the hub, by the pipeline that it says it is made for.

    Raises:
        BrokenBase: if it is made for none that is known, or does not say.
    """
    with loading(source):
        name = read_index(source).get("_class_name")
    for family in FAMILIES:
        if family.pipeline_class.__name__ == name:
            return family(source, objective)
    known = ", ".join(family.pipeline_class.__name__ for family in FAMILIES)
    made_for = f"is made for {name!r}" if name else "does not say what pipeline it is made for"
    raise BrokenBase(
        f"The base {source!r} {made_for}: give one that is made for {known}, in diffusers' layout."
    )
