"""What training each base takes of a GPU's memory, counted on shapes alone, as one table.

    python -m benchmarks.memory_table --bases '["wan2.1-14b", "minimax-h3"]'

A step learns one photo of the size that the base's recipe asks for or, as most recipes have it,
beside it a clip of the base's own size. See `finetune.budget` for what is counted.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import yaml
from tqdm import tqdm

from bases.catalogue import find_base
from bases.family import Family
from bases.memory import GIGABYTE
from benchmarks.full_size import FULL_SIZES, full_size, prompt_of
from benchmarks.scripts import run_script
from finetune.budget import ORDER, Budget, Shapes
from studio.quiet import hush
from studio.tables import show_table

_HEADS = ("base", "billions", "a photo a step: GB", "and a clip: GB", "both, activations again: GB")
_RECIPES = Path("configs/finetune")


def count(bases: list[str] | None = None) -> None:
    """Count each base and print the table.

    Args:
        bases: by name; all if not given.

    Raises:
        SystemExit: if there is no such base.
    """
    hush()
    if unknown := [name for name in bases or () if name not in FULL_SIZES]:
        raise SystemExit(f"bases: {unknown[0]!r} is none of {', '.join(FULL_SIZES)}.")
    names = tqdm(bases or list(FULL_SIZES), desc="bases", leave=False)
    show_table(_HEADS, [_row(name) for name in names])


def _row(name: str) -> tuple[str, ...]:
    photo, clip = budget_of(name, clips=False), budget_of(name, clips=True)
    frozen = (w for w in photo.transformer.parameters() if not w.requires_grad)
    numbers = sum(weight.numel() for weight in frozen)
    again = clip.need(ORDER[3]).total / GIGABYTE
    return name, f"{numbers / 1e9:.1f}", span_of(photo), span_of(clip), f"{again:.0f}"


def span_of(budget: Budget) -> str:
    """From the smallest way to train to the fastest, in gigabytes."""
    needs = [budget.need(thrift).total / GIGABYTE for thrift in ORDER]
    return f"{min(needs):.0f} to {needs[0]:.0f}"


def budget_of(name: str, *, clips: bool) -> Budget:
    """What a step of a base's own recipe takes.

    Args:
        name: of the base.
        clips: whether a clip of the base's own size is learnt beside the photo.
    """
    recipe = yaml.safe_load((_RECIPES / f"{name}.yaml").read_text())
    with TemporaryDirectory() as folder:
        family = full_size(name, Path(folder))
        return Budget(
            family,
            family.experts[0],
            rank=recipe["model"]["rank"],
            targets=family.lora_targets,
            batches=[_photo(name, family, recipe), *([_clip(name, family)] if clips else [])],
        )


def _photo(name: str, family: Family, recipe: dict[str, Any]) -> Shapes:
    base = find_base(name)
    side = recipe["data"].get("side") or round((base.height * base.width) ** 0.5)
    side = side // family.grid.multiple * family.grid.multiple
    return _shapes(name, family, side, side, 1)


def _clip(name: str, family: Family) -> Shapes:
    base = find_base(name)
    return _shapes(name, family, base.height, base.width, family.grid.frames(base.frames))


def _shapes(name: str, family: Family, height: int, width: int, frames: int) -> Shapes:
    latents = torch.empty(1, *family.grid.latent_shape(height, width, frames), device="meta")
    return Shapes(latents, prompt_of(name))


if __name__ == "__main__":
    run_script(count)
