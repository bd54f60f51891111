"""What the judge is asked for.

Shape suffixes: B clips, F frames, K spots, N = B × F, C = 16 cells a side.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from bases.pocket.face_losses import contrastive_loss
from bases.pocket.judge.examples import Examples
from bases.pocket.judge.network import CELLS, Opinion
from bases.pocket.judge.traits import COLOURS, FORMS, trait

_TEMPERATURE = 0.1


def judge_losses(seen: Opinion, shown: Examples, generator: Generator) -> dict[str, Tensor]:
    """The parts of the loss by name; the individuals of a batch are of one kind.

    Args:
        seen: the judge's opinion of `shown`.
        shown: from `examples`: the second half of the clips shows the first half's individuals.
        generator: chooses the frames whose identities are compared.
    """
    return {
        "scene": _scene_loss(seen, shown),
        "traits": _traits_loss(seen, shown),
        "identity": _identity_loss(seen.identity, generator),
        "mask": _mask_loss(seen.mask, shown.truth.masks[:, 0]),
        "spots": spots_loss(seen.spots, *_spots(shown)),
    }


def _scene_loss(seen: Opinion, shown: Examples) -> Tensor:
    losses = [
        F.cross_entropy(logits.float(), getattr(shown.scene, choice))
        for choice, logits in seen.scene.items()
    ]
    off = (torch.sigmoid(seen.intensity.float()) - shown.scene.intensity).abs().mean()
    return torch.stack([*losses, off]).sum()


def _traits_loss(seen: Opinion, shown: Examples) -> Tensor:
    kind, losses = shown.scene.named("kind", 0), []
    for name in FORMS[kind]:
        logits_BFn = seen.traits[f"{kind}.{name}"].float()
        wanted_BF = trait(shown.look, kind, name)[:, None].expand(logits_BFn.shape[:2])
        losses.append(F.cross_entropy(logits_BFn.flatten(0, 1), wanted_BF.flatten()))
    for name in COLOURS[kind]:
        colour_BF3 = seen.traits[f"{kind}.{name}"].float()
        losses.append(4 * (colour_BF3 - trait(shown.look, kind, name)[:, None]).abs().mean())
    return torch.stack(losses).sum()


def _identity_loss(identity_BFD: Tensor, generator: Generator) -> Tensor:
    count, frames = identity_BFD.shape[:2]
    chosen = torch.randint(frames, (count,), generator=generator).to(identity_BFD.device)
    one, other = identity_BFD[torch.arange(count), chosen].chunk(2)
    return contrastive_loss(one, other, _TEMPERATURE)


def _mask_loss(logits_BFCC: Tensor, mask_BFHW: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(
        logits_BFCC.float(), F.adaptive_avg_pool2d(mask_BFHW, CELLS)
    )


def _spots(shown: Examples) -> tuple[Tensor, Tensor]:
    """Where each spot is (B, F, K, 2), in cells, and whether that is inside the picture."""
    points = torch.cat((shown.truth.joints, shown.truth.ball[:, :, None]), 2)
    cells = (points + 0.5) * (CELLS / shown.clips.shape[-1]) - 0.5
    inside = ((cells > -0.5) & (cells < CELLS - 0.5)).all(-1)
    return cells.nan_to_num(), inside


def spots_loss(logits_BFKCC: Tensor, cells_BFK2: Tensor, inside_BFK: Tensor) -> Tensor:
    """Cross-entropy against the four cells around each spot, so that their mean is the spot."""
    logits = logits_BFKCC.float().flatten(3).log_softmax(-1)[inside_BFK]
    cells = cells_BFK2[inside_BFK].clamp(0, CELLS - 1.001)
    corner, share = cells.floor().long(), cells - cells.floor()
    loss = logits.new_zeros(())
    for right in (0, 1):
        for down in (0, 1):
            x, y = corner[:, 0] + right, corner[:, 1] + down
            weight = (share[:, 0] if right else 1 - share[:, 0]) * (
                share[:, 1] if down else 1 - share[:, 1]
            )
            loss = loss - (weight * logits.gather(1, (y * CELLS + x)[:, None])[:, 0]).sum()
    return loss / max(len(cells), 1)
