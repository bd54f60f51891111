"""Preservation clips: what the base draws by itself, so that learning from stills keeps motion.

In them somebody does what prompts ask for; the subject learns to move as the base lets somebody
move there. Few and generic clips do as well as many and specific ones (Wu et al., "MotionBooth",
2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from tqdm import tqdm

from bases.catalogue import Base
from bases.family import Family
from bases.pocket import PRESERVATION
from finetune.adapter import Adapter, load_lora
from finetune.examples import Example, free_memory, load_examples, save_examples
from finetune.lights import LIGHTS
from subjects import with_article

_ACTIONS = {
    "person": (
        "waving", "walking", "jumping", "dancing", "clapping", "standing", "running", "cheering",
        "bowing", "turning around", "kicking a ball",
    ),
    "pet": ("walking", "running", "jumping", "sitting", "standing", "turning around"),
    "object": ("resting", "rolling", "spinning", "sliding", "bouncing"),
}  # fmt: skip
PLACES = (
    "at the beach", "in the forest", "in the city", "in a room", "in the snow", "in the desert",
    "in the park", "in the kitchen", "on stage", "on the moon",
)  # fmt: skip
_SHOTS = ("close-up", "medium shot", "wide shot")
_VIEWS = ("facing the camera", "three-quarter view", "in profile", "from behind")


def prompts(count: int, class_noun: str = "person", kind: str = "person") -> list[str]:
    """Generic prompts that name no one; whatever they can say comes up equally often.

    Args:
        count: how many.
        class_noun: what they are about.
        kind: "person", "pet" or "object", which says what it can do.
    """
    dealt = Random(0)
    columns = [
        _dealt(names, count, dealt) for names in (_ACTIONS[kind], PLACES, LIGHTS, _SHOTS, _VIEWS)
    ]
    return [
        f"{with_article(class_noun)} {action} {place}, {', '.join(others)}"
        for action, place, *others in zip(*columns, strict=True)
    ]


def _dealt(names: Sequence[str], count: int, dealt: Random) -> list[str]:
    """So many names, all of them in any order before the first comes up again."""
    rounds = -(-count // len(names))
    return [name for _ in range(rounds) for name in dealt.sample(names, len(names))][:count]


def under_name(prompt: str, class_noun: str, called: str) -> str:
    """Such a prompt about somebody with a name: "mira, a person, waving at the beach, close-up"."""
    return f"{called}, {prompt.removeprefix(with_article(class_noun)).lstrip()}"


def preservation_examples(
    base: Base,
    family: Family,
    *,
    count: int,
    class_noun: str,
    kind: str,
    cache: Path,
    dtype: torch.dtype,
    device: torch.device,
) -> list[Example]:
    """Clips drawn by the base: those it ships with, or else drawn once and kept.

    Args:
        base: the base.
        family: the same base, to load.
        count: how many clips.
        class_noun: what they show.
        kind: "person", "pet" or "object".
        cache: folder in which drawn clips are kept.
        dtype: of the base.
        device: of the base.
    """
    wanted = prompts(count, class_noun, kind)
    settings: dict[str, object] = {
        "drawn by": base.fingerprint_of_all,
        "prompts": wanted,
        "clip": [base.frames, base.height, base.width],
    }
    shipped = load_examples(PRESERVATION, {"drawn by": settings["drawn by"]})
    if shipped is not None and (kind, class_noun) == ("person", "person"):
        return shipped[:count]
    path = cache / f"{base.name}-{kind}-{class_noun}.safetensors"
    kept = load_examples(path, settings)
    if kept is not None:
        return kept
    examples = draw_examples(base, family, wanted, dtype=dtype, device=device)
    save_examples(path, examples, settings)
    return examples


@torch.no_grad()
def draw_examples(
    base: Base,
    family: Family,
    wanted: list[str],
    *,
    adapter: Adapter | None = None,
    dtype: torch.dtype,
    device: torch.device,
) -> list[Example]:
    """Let the base draw one clip a prompt, each from a seed of its own, perhaps with an adapter."""
    pipe = family.pipeline(dtype=dtype, device=device)
    pipe.set_progress_bar_config(disable=True)
    for part, path in adapter.files.items() if adapter else ():
        load_lora(getattr(pipe, part), path, "adapter", family.prefix, pipe)
    examples = []
    for seed, prompt in enumerate(tqdm(wanted, desc="clips to learn from")):
        latents = family.draw(
            pipe,
            guidance=base.guidance,
            prompt=prompt,
            **base.native_clip,
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="latent",
        )
        latents = family.drawn_latents(pipe, latents)
        examples.append(Example(latents[0].float().cpu(), prompt))
    del pipe
    free_memory()
    return examples
