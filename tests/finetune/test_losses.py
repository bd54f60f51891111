"""What is an error on a clip that keeps motion, and what is not."""

from __future__ import annotations

import torch
from torch import Tensor

from finetune.losses import motion_error

FRAMES, SIZE = 5, 6


def passing(colour: float, *, through: int = 0) -> Tensor:
    """A clip (1, 2, F, H, W) in which a bar of a colour goes through the picture."""
    clip = torch.zeros(1, 2, FRAMES, SIZE, SIZE)
    for frame in range(FRAMES):
        clip[:, through, frame, :, frame] = colour
    return clip


def test_who_moves_may_look_otherwise() -> None:
    somebody = passing(1.0)
    assert motion_error(passing(-1.0), somebody).item() < 1e-9
    assert motion_error(passing(1.0, through=1), somebody).item() < 1e-9
    assert motion_error(passing(1.0) + 3.0, somebody).item() < 1e-9


def test_what_stands_still_or_moves_elsewhere_is_an_error() -> None:
    somebody = passing(1.0)
    assert motion_error(torch.zeros_like(somebody), somebody).item() > 0.02
    assert motion_error(somebody.transpose(-1, -2), somebody).item() > 0.02


def test_the_first_frame_does_not_count() -> None:
    clip = passing(1.0)
    clip[:, :, 0] += 5.0
    assert motion_error(clip, passing(1.0)).item() < 1e-9


def test_what_hardly_moves_is_told_to_move() -> None:
    hardly = (0.01 * passing(1.0)).requires_grad_()
    motion_error(hardly, passing(1.0)).backward()
    assert hardly.grad is not None
    assert (hardly.grad * passing(1.0)).sum().item() < 0


def test_what_stands_still_has_a_finite_gradient() -> None:
    still = torch.zeros(1, 2, FRAMES, SIZE, SIZE, requires_grad=True)
    motion_error(still, passing(1.0)).backward()
    assert still.grad is not None
    assert still.grad.isfinite().all()
