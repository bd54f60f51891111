"""The bench's clips of one subject: rendered, and scored as soon as they are there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from random import Random
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Generator, Tensor

from bases.pixels import as_frames, as_pictures
from bases.pocket.judge.network import Judge
from bases.pocket.shape import PocketShape
from bases.pocket.world import Scene, caption, film, sample_looks, sample_scenes
from bases.pocket.world.captions import invented_name
from bases.video import Frames
from finetune.adapter import Adapter
from inference.bench.colours import Backdrops, colour_shares
from inference.bench.copying import copied
from inference.bench.scores import JUDGED, opinion_of, score
from inference.clip import Clip
from inference.render import Renderer
from studio.bench.individuals import Individual, individual_seed
from studio.bench.plan import Plan
from studio.bench.truth import through_vae, true_clip
from studio.onlookers import face_finder
from subjects import Subject, leave_one_out, similarity_to

Take = dict[str, Any]


class Studio:
    """What every subject's clips need.

    Args:
        renderer: the base.
        judge: scores.
        shape: of the base's clips and its world.
        plan: how much is measured.
    """

    def __init__(self, renderer: Renderer, judge: Judge, shape: PocketShape, plan: Plan) -> None:
        """Take the base's VAE, through which true clips go, and load what finds faces."""
        self.renderer, self.judge, self.shape, self.plan = renderer, judge, shape, plan
        self.vae = renderer.pipe.vae
        self.finder = face_finder("pocket")
        self._backdrops = cache(partial(Backdrops, shape))

    def takes(self, one: Individual, adapter: Adapter, index: int) -> list[Take]:
        """Every clip of a subject, scored; "variant" says what each is.

        "adapter" and "base" follow the prompt that names the subject, "bleed" and "stranger" are
        the adapter and the base on the same prompt about nobody, "renamed" is the adapter on the
        same about another name; "truth" is drawn, through the base's VAE, "other" the same of
        another individual, and "still" a photo held still.
        """
        seed = individual_seed(one.who.kind, index)
        scenes = scenes_for(one.who.kind, self.plan.scenes, self.shape, seed)
        takes = []
        for row in range(len(scenes)):
            scene = scenes[[row]]
            takes += self._floors_and_ceilings(one, scene, row)
            prompts = _prompts(scene, one.subject, row)
            for seed in range(self.plan.seeds):
                clips = self._rendered(*prompts, adapter, Clip(seed=1000 * row + seed))
                takes += [self._take(name, clip, one, scene, row) for name, clip in clips.items()]
        return takes

    def _rendered(
        self, named: str, nobody: str, renamed: str, adapter: Adapter, clip: Clip
    ) -> dict[str, Frames]:
        render = self.renderer.render
        with self.renderer.adapter(adapter):
            with_it = {"adapter": render(named, clip), "bleed": render(nobody, clip)}
            with_it["renamed"] = render(renamed, clip)
        return with_it | {"base": render(named, clip), "stranger": render(nobody, clip)}

    def likeness_of(self, one: Individual, adapter: Adapter, index: int) -> float:
        """The adapter's median likeness to true pictures, of what these reach among themselves."""
        seed = individual_seed(one.who.kind, index)
        scenes = scenes_for(one.who.kind, self.plan.scenes, self.shape, seed)
        matches = one.who.matches_MD
        found = []
        with self.renderer.adapter(adapter):
            for row in range(len(scenes)):
                prompt = caption(scenes, row, subject=one.subject.called)
                seen = opinion_of(self.judge, self.renderer.render(prompt, Clip(seed=1000 * row)))
                found.append(similarity_to(seen.identity[0].numpy(), matches))
        return float(np.median(found) / np.median(leave_one_out(matches)))

    def _floors_and_ceilings(self, one: Individual, scene: Scene, row: int) -> list[Take]:
        other = sample_looks(1, Generator().manual_seed(row + 1))
        drawn, another = (true_clip(look, scene, self.shape) for look in (one.who.look, other))
        small = F.interpolate(one.photos[:1], (self.shape.size,) * 2, mode="area")
        held = small[:, :, None].expand(-1, -1, self.shape.frames, -1, -1)
        return [
            self._take("truth", through_vae(drawn, self.vae), one, scene, row),
            self._take("other", through_vae(another, self.vae), one, scene, row),
            self._take("still", as_frames(held[0].movedim(1, 0)), one, scene, row),
            self._take("drawn", as_frames(drawn[0].movedim(1, 0)), one, scene, row),
        ]

    def _fresh(self, one: Individual, scene: Scene) -> Tensor:
        """New true pictures of an individual in such a scene, as many as there are photos."""
        count = len(one.photos)
        named = {choice: scene.named(choice, 0) for choice in JUDGED}
        generator = Generator().manual_seed(individual_seed(one.who.kind, 0))
        alike = sample_scenes(count, generator, self.shape.world, kind=one.who.kind, **named)
        return film(one.who.look[[0] * count], alike, size=self.shape.size)[:, :, 0]

    def _take(self, variant: str, frames: Frames, one: Individual, scene: Scene, row: int) -> Take:
        finder = self.finder if one.who.kind == "person" else None
        found = score(self.judge, frames, one.who, scene, fps=self.shape.fps, finder=finder)
        place = self._backdrops(scene.named("light", 0)).place_of(frames)
        found["place by corners"] = place == scene.named("place", 0)
        found["colours"] = colour_shares(frames, one.who.look, one.who.kind)
        if variant in ("adapter", "drawn"):
            found["copied"] = copied(as_pictures(frames), one.photos, self._fresh(one, scene))
        return {"variant": variant, "scene": row, **found}


def _prompts(scene: Scene, subject: Subject, row: int) -> tuple[str, str, str]:
    """A scene as a prompt about the subject, about nobody, and about another name."""
    other = replace(subject, trigger=invented_name(Random(row))).called
    return caption(scene, subject=subject.called), caption(scene), caption(scene, subject=other)


def scenes_for(kind: str, count: int, shape: PocketShape, seed: int) -> Scene:
    """Scenes to ask for, drawn at random from what the base knows.

    Nobody of the subject's own kind stands beside it: the judge could not know who of two is meant.
    """
    others = tuple(name for name in shape.world.company if name != kind)
    world = replace(shape.world, company=others)
    return sample_scenes(count, Generator().manual_seed(seed), world, kind=kind)
