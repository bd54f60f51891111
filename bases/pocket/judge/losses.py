"""What the judge is asked for.

Shape suffixes: B clips, F frames, K spots, N = B × F, C = 16 cells a side.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bases.pocket.face_losses import contrastive_loss
from bases.pocket.judge.examples import Examples
from bases.pocket.judge.portraitist import Portrait
from bases.pocket.judge.traits import COLOURS, FORMS, measures, trait
from bases.pocket.judge.watcher import CELLS, Watched

_TEMPERATURE = 0.07


def watching_losses(seen: Watched, shown: Examples) -> dict[str, Tensor]:
    """The parts of the watcher's loss by name.

    Args:
        seen: in the clips of `shown`.
        shown: from `examples`.
    """
    return {
        "scene": torch.stack(
            [
                F.cross_entropy(logits.float(), getattr(shown.scene, choice))
                for choice, logits in seen.scene.items()
            ]
        ).sum(),
        "mask": _mask_loss(seen.mask, shown.truth.masks[:, 0]),
        "spots": spots_loss(seen.spots, *_spots(shown)),
    }


def portrait_losses(seen: Portrait, shown: Examples) -> dict[str, Tensor]:
    """The parts of the portraitist's loss by name.

    Args:
        seen: in the windows of `shown`, one a clip.
        shown: stills from `examples`, of individuals of one kind: the second half shows the first
            half's.
    """
    kind, scene = shown.scene.named("kind", 0), shown.scene
    off = torch.sigmoid(seen.intensity.float()) - scene.intensity
    first, second = seen.identity.chunk(2)
    return {
        "identity": contrastive_loss(first, second, _TEMPERATURE),
        "traits": _traits_loss(seen, shown, kind),
        "measures": (seen.measures[kind].float() - measures(shown.look, kind)).square().mean(),
        "expression": 2 * F.cross_entropy(seen.expression.float(), scene.expression),
        "intensity": off.abs().mean(),
    }


def _traits_loss(seen: Portrait, shown: Examples, kind: str) -> Tensor:
    losses = [
        F.cross_entropy(seen.traits[f"{kind}.{name}"].float(), trait(shown.look, kind, name))
        for name in FORMS[kind]
    ]
    for name in COLOURS[kind]:
        colour_N3 = seen.traits[f"{kind}.{name}"].float()
        losses.append(4 * (colour_N3 - trait(shown.look, kind, name)).abs().mean())
    return torch.stack(losses).sum()


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
