"""Every family, and which of them a base belongs to."""

from __future__ import annotations

from bases.catalogue import Base
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
from bases.minimax_h3_references import MiniMaxH3References
from bases.mochi import Mochi
from bases.objective import FlowMatching
from bases.wan import Wan

FAMILIES: tuple[type[Family], ...] = (
    Wan,
    MiniMaxH3,
    MiniMaxH3References,
    LTX2,
    HunyuanVideo15,
    HunyuanVideo,
    Kandinsky6,
    Kandinsky5,
    CogVideoX,
    Mochi,
)


def family_of(base: Base, objective: FlowMatching | None = None) -> Family:
    """A base that is on this machine, by the pipeline that it says it is made for.

    Raises:
        BrokenBase: if it is made for none that is known, or does not say.
    """
    with loading(base.source):
        name = read_index(base.source).get("_class_name")
    made = {family.part: family for family in FAMILIES if family.pipeline_class.__name__ == name}
    if base.part in made:
        return made[base.part](base.source, objective)
    if made:
        raise BrokenBase(
            f"The base {base.source!r} has no transformer {base.part!r} that can be trained: "
            f"{', '.join(made)}."
        )
    known = ", ".join(dict.fromkeys(family.pipeline_class.__name__ for family in FAMILIES))
    made_for = f"is made for {name!r}" if name else "does not say what pipeline it is made for"
    raise BrokenBase(
        f"The base {base.source!r} {made_for}: give one that is made for {known}, in diffusers' "
        "layout."
    )
