"""How an expression moves a face."""

from __future__ import annotations

from torch import Tensor

from bases.pocket.world.scenes import EXPRESSIONS

_MOVES = {
    "neutral": (0.0, 0.0, 0.0, 0.0, 0.0),
    "happy": (0.030, 0.026, 0.006, 0.0, -0.10),
    "sad": (-0.028, 0.0, 0.004, -0.026, -0.30),
    "angry": (-0.014, 0.004, -0.014, 0.032, -0.22),
    "surprised": (0.0, 0.060, 0.026, 0.0, 0.38),
}


def face_moves(expression_N: Tensor, level_N: Tensor) -> tuple[Tensor, ...]:
    """The parts of a face, each (N,), in world units but the last.

    Args:
        expression_N: indices into `EXPRESSIONS`.
        level_N: intensity in [0, 1].

    Returns:
        the mouth's curve and opening, the height of the brows, how far their inner ends drop, and
        how much wider the eyes open.
    """
    rows = level_N.new_tensor([_MOVES[name] for name in EXPRESSIONS])
    return (rows[expression_N] * level_N[:, None]).unbind(1)
