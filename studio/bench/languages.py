"""The language gap: the same scenes asked for in every language that the base learnt."""

from __future__ import annotations

from collections import defaultdict

import torch
from tqdm import tqdm

from bases.pocket.world import caption
from inference.bench.scores import opinion_of, prompt_followed
from inference.clip import Clip
from studio.bench.individuals import individual_seed
from studio.bench.takes import Studio, scenes_for

_INDEX = 900_000


@torch.no_grad()
def by_language(studio: Studio) -> dict[str, dict[str, list[bool]]]:
    """By language and choice, whether each of the base's clips shows what was asked for."""
    shape, hits = studio.shape, dict[str, dict[str, list[bool]]]()
    kinds = tuple(studio.plan.subjects)
    for language in tqdm(shape.languages, desc="languages", unit="language"):
        right = defaultdict[str, list[bool]](list)
        for row in range(studio.plan.language_scenes):
            kind = kinds[row % len(kinds)]
            scene = scenes_for(kind, 1, shape, individual_seed(kind, _INDEX + row))
            frames = studio.renderer.render(caption(scene, language=language), Clip(seed=row))
            seen = opinion_of(studio.judge, frames)
            for choice, followed in prompt_followed(seen, scene).items():
                right[choice].append(followed)
        hits[language] = dict(right)
    return hits
