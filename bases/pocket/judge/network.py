"""The judge: one network watches whole frames, another looks closely at the subject in each.

Who scores must not be who chose: the face package, which audits photos and picks checkpoints, sees
aligned faces with another network, was trained on other individuals, and knows no trait.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from bases.errors import BrokenBase
from bases.pocket.judge.portraitist import Portrait, Portraitist
from bases.pocket.judge.watcher import Watcher
from bases.pocket.judge.windows import cut, seen_windows


@dataclass(frozen=True)
class Opinion:
    """What the judge sees in B clips of F frames.

    Attributes:
        mask: (B, F, 16, 16) logits, where the subject is.
        spots: (B, F, K, 16, 16) logits over the cells, where each of `watcher.SPOTS` is.
        identity: (B, F, 128) directions of length 1, close for one individual.
        traits: by "kind.name", logits (B, F, names) of a form or a colour (B, F, 3).
        scene: by choice, logits (B, names).
        intensity: (B,) of the expression, logits.
    """

    mask: Tensor
    spots: Tensor
    identity: Tensor
    traits: dict[str, Tensor]
    scene: dict[str, Tensor]
    intensity: Tensor


class Judge(nn.Module):
    """Looks at clips and says who is seen, where, what they do and how they are filmed.

    Args:
        watcher: watches whole frames.
        portraitist: looks closely.
    """

    def __init__(
        self, watcher: Watcher | None = None, portraitist: Portraitist | None = None
    ) -> None:
        super().__init__()
        self.watcher, self.portraitist = watcher or Watcher(), portraitist or Portraitist()

    def forward(self, clips: Tensor) -> Opinion:
        """Judge clips (B, 3, F, H, W) in [-1, 1], F at most 64."""
        watched = self.watcher(clips)
        seen = self.portraits(clips, seen_windows(watched))
        count, frames = clips.shape[0], clips.shape[2]

        def by_clip(values: Tensor) -> Tensor:
            return values.unflatten(0, (count, frames))

        return Opinion(
            mask=watched.mask,
            spots=watched.spots,
            identity=by_clip(seen.identity),
            traits={name: by_clip(values) for name, values in seen.traits.items()},
            scene=watched.scene | {"expression": by_clip(seen.expression).mean(1)},
            intensity=by_clip(seen.intensity).mean(1),
        )

    @property
    def device(self) -> torch.device:
        """Where it judges."""
        return self.watcher.where.device

    def portraits(self, clips: Tensor, windows_BF3: Tensor) -> Portrait:
        """What is seen in the windows of the B × F frames."""
        pictures = clips.transpose(1, 2).flatten(0, 1)
        seen: Portrait = self.portraitist(cut(pictures, windows_BF3.flatten(0, 1)))
        return seen


def save_judge(judge: Judge, path: Path) -> None:
    """Keep the judge's weights, in bfloat16."""
    weights = {name: weight.bfloat16().contiguous() for name, weight in judge.state_dict().items()}
    save_file(weights, path)


def load_judge(path: Path) -> Judge:
    """The judge whose weights are in a file, in float32, ready to judge.

    Raises:
        BrokenBase: if the file is not there, cut short, or no judge's.
    """
    judge = Judge()
    try:
        judge.load_state_dict({name: weight.float() for name, weight in load_file(path).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise BrokenBase(
            f"{str(path)!r} holds no judge: give the judge.safetensors that "
            "'python -m bases.pocket.train_judge' wrote, or bases/pocket/weights/judge.safetensors."
        ) from error
    return judge.eval()
