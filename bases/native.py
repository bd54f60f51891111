"""How other programs name a transformer's layers: as the model's authors did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NativeNames:
    """What differs between diffusers' layers and those that other programs know.

    Attributes:
        formats: the formats beside diffusers' own of which a reader is known.
        read: whether diffusers reads ComfyUI's names, to prove a file with.
        flat: whether diffusers reads kohya's names; where it does not, they are the native names
            with "_" for ".", as musubi-tuner writes and reads them.
        fused: the ends of diffusers' names for layers that are one layer there, in the order of its
            outputs, and the end of that one's name.
        swapped: the ends of names of layers whose two halves of outputs stand in the other order.
        pieces: of diffusers' names, and what stands there; replaced in this order.
    """

    formats: tuple[str, ...] = ()
    read: bool = True
    flat: bool = True
    fused: tuple[tuple[tuple[str, ...], str], ...] = ()
    swapped: tuple[str, ...] = ()
    pieces: tuple[tuple[str, str], ...] = ()
