"""Look-alikes of an individual whom a picture can tell from it.

Chance alone brings together some whom nobody could: they differ in the second colour of a plain
shirt, the frame of glasses that are not worn, or a nose a hair's breadth wider.
"""

from __future__ import annotations

from torch import Generator, Tensor

from bases.pocket.judge.windows import cut, true_windows
from bases.pocket.world import Look, sample_scenes
from bases.pocket.world.looks import look_alikes
from bases.pocket.world.scenes import AT_REST
from bases.pocket.world.truth import film_with_truth

SAME_PICTURE = 1.0
"""Levels of 255: windows of the same scene that differ by less on average show the same."""

_AT_ONCE, _SIZE = 200, 128
_PLAIN = {
    "shot": "close-up", "view": "front", "light": "day", "move": "still", "company": "alone",
}  # fmt: skip


def visible_look_alikes(look: Look, kind: str, count: int, generator: Generator) -> Look:
    """Others that share seven traits in ten with an individual, and look otherwise.

    Args:
        look: the individual, one row.
        kind: "person", "pet" or "object", as which they are seen.
        count: how many others.
        generator: a CPU generator.
    """
    found, tried = look[:0], [0] * min(2 * count, _AT_ONCE)
    while len(found) < count:
        some = look_alikes(look[tried], generator)
        found = found.and_rows(some[apart(look, some, kind) >= SAME_PICTURE])
    return found[:count]


def apart(look: Look, others: Look, kind: str) -> Tensor:
    """How far pictures of others (B,) are from one's, levels of 255 on average.

    All are seen close, from the front, in one scene by day.
    """
    everyone = look.and_rows(others)
    named = _PLAIN | {"kind": kind, "action": AT_REST[kind]}
    scene = sample_scenes(1, Generator().manual_seed(0), None, **named)
    scenes = scene[[0] * len(everyone)]
    clips, truth = film_with_truth(everyone, scenes, size=_SIZE, frames=1, fps=1)
    windows = cut(clips[:, :, 0], true_windows(truth, kind, _SIZE)[:, 0])
    whole = windows[:, :3]  # and not the smaller window inside it, which only people's faces fill
    return (whole[1:] - whole[:1]).abs().mean((1, 2, 3)) * 127.5
