"""The language gap: the same scenes asked for in every language that the base learnt."""

from __future__ import annotations

from collections import defaultdict

import torch

from bases.pocket.judge.reading import face_is_seen
from bases.pocket.world import caption
from bases.pocket.world.scenes import CHOICES
from inference.bench.scores import JUDGED, opinion_of
from inference.render import Clip
from studio.bench.individuals import individual_seed
from studio.bench.takes import Studio, scenes_for

_INDEX = 900_000


@torch.no_grad()
def by_language(studio: Studio) -> dict[str, dict[str, list[bool]]]:
    """By language and choice, whether each of the base's clips shows what was asked for."""
    shape, hits = studio.shape, dict[str, dict[str, list[bool]]]()
    kinds = tuple(studio.plan.subjects)
    for language in shape.languages:
        right = defaultdict[str, list[bool]](list)
        for row in range(studio.plan.language_scenes):
            kind = kinds[row % len(kinds)]
            scene = scenes_for(kind, 1, shape, individual_seed(kind, _INDEX + row))
            frames = studio.renderer.render(caption(scene, language=language), Clip(seed=row))
            seen = opinion_of(studio.judge, frames).scene
            for choice in JUDGED:
                if choice != "expression" or bool(face_is_seen(scene)):
                    shown = CHOICES[choice][int(seen[choice][0].argmax())]
                    right[choice].append(shown == scene.named(choice, 0))
        hits[language] = dict(right)
    return hits
