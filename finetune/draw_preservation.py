"""Let Pocket draw the preservation clips that it ships with.

python -m finetune.draw_preservation
"""

from __future__ import annotations

import torch
from jsonargparse.typing import PositiveInt

from bases.catalogue import find_base
from bases.families import family_of
from bases.pocket import PRESERVATION
from bases.scripts import run_script
from finetune.examples import save_examples
from finetune.preservation import draw_examples, prompts


def draw_preservation(count: PositiveInt = 32) -> None:
    """Write `bases/pocket/weights/preservation.safetensors`.

    Args:
        count: how many clips.
    """
    base = find_base("pocket")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    examples = draw_examples(
        base, family_of(base), prompts(count), dtype=torch.float32, device=device
    )
    drawn: dict[str, object] = {"drawn by": base.fingerprint_of_all}
    save_examples(PRESERVATION, examples, drawn, dtype=torch.bfloat16)
    print(f"Wrote {PRESERVATION}.")


if __name__ == "__main__":
    run_script(draw_preservation)
