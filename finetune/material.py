"""What a training learns from, all of it encoded, and the batches that are made of it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil

import torch
from torch import Tensor

from bases.family import PICTURE
from finetune.batches import Batch
from finetune.examples import Example, Prompt
from finetune.others import about_others
from finetune.preservation import under_name
from subjects import Subject

_COMPARED = 32
"""Of the photos, and of the clips, how many are compared under the subject's name and others."""


@dataclass
class Material:
    """Examples of a subject, and what a base is told of them.

    Attributes:
        subject: who is learnt.
        photos: the views of its photos.
        held: the same, shown as clips in which nothing moves.
        clips: of somebody by the base, or of the subject by a teacher.
        taught: whether they are a teacher's, and are learnt like the photos.
        others: whether photos and clips come with prompts about nobody and other names too.
        embeddings: the conditions of every one of `prompts`.
    """

    subject: Subject
    photos: list[Example]
    held: list[Example]
    clips: list[Example]
    taught: bool
    others: bool
    embeddings: dict[Prompt, dict[str, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shown = [photo.shown for photo in self.photos if photo.shown is not None]

    def prompts(self) -> list[Prompt]:
        """All that the base may be told, each once, in an order of its own."""
        told = {
            Prompt(text, example.photos)
            for example in (*self.photos, *self.held, *self.clips)
            for text in ("", example.caption)
        }
        told |= {Prompt(self._named(clip)) for clip in self.clips}
        if self.others:
            captions = [example.caption for example in (*self.photos, *self.clips)]
            told |= {Prompt(other) for caption in captions for other in self._about_others(caption)}
        return sorted(told)

    def batch(
        self,
        name: str,
        count: int,
        rng: random.Random,
        *,
        number: int,
        weight: float,
        dropout: float,
    ) -> Batch:
        """Some examples of one kind and one shape.

        Args:
            name: "photos", "held" or "clips", of which there are some.
            count: how many; where there are fewer of that shape, some come more than once.
            rng: chooses them, and whose captions are dropped.
            number: the batch's.
            weight: of its loss.
            dropout: share of captions left empty.
        """
        shapes: dict[torch.Size, list[Example]] = defaultdict(list)
        for example in self.of(name):
            shapes[example.latents.shape].append(example)
        groups = list(shapes.values())
        group = rng.choices(groups, weights=[len(g) for g in groups])[0]
        chosen = rng.sample(group, min(count, len(group)))
        chosen += rng.choices(group, k=count - len(chosen))
        shown = [rng.random() >= dropout for _ in chosen]

        def embedded(texts: list[str]) -> list[dict[str, Tensor]]:
            every = zip(texts, shown, chosen, strict=True)
            return [self.told(text if show else "", e) for text, show, e in every]

        captions = [e.caption for e in chosen]
        own, asked, others = embedded(captions), [], []
        if name == "clips" and not self.taught:
            own, asked = embedded([self._named(e) for e in chosen]), own
        if self.others and name != "held":
            others = embedded([rng.choice(self._about_others(caption)) for caption in captions])
        return Batch(
            name=name,
            number=number,
            weight=weight,
            latents=torch.stack([e.latents for e in chosen]),
            conditions=own,
            faces=torch.stack([_share(e, e.face, 0.0) for e in chosen]),
            subjects=torch.stack([_share(e, e.subject, 1.0) for e in chosen]),
            asked=tuple(asked),
            others=tuple(others),
            captions=tuple(captions),
            unprompted=tuple(self.told("", e) for e in chosen),
        )

    def of(self, name: str) -> list[Example]:
        """The examples of a kind."""
        return {"photos": self.photos, "held": self.held, "clips": self.clips}[name]

    def told(self, text: str, example: Example) -> dict[str, Tensor]:
        """The conditions of a text, and of the pictures that it comes with."""
        words = self.embeddings[Prompt(text, example.photos)]
        if not example.photos:
            return words
        pictures = (self.shown[number] for number in example.photos)
        return {**words, **{f"{PICTURE}{n}": latents for n, latents in enumerate(pictures)}}

    def compared(self, *, named: bool) -> Iterator[tuple[int, Tensor, dict[str, Tensor]]]:
        """Photos and first frames of clips under prompts about the subject, or all but that.

        Each is its number, its latents (1, C, 1, H, W) and the conditions of a prompt; it comes
        once with the subject's name, and otherwise once about nobody and once about each of some
        other names.
        """
        photos = self.photos[:: ceil(len(self.photos) / _COMPARED)]
        about = [(e, e.caption) for e in photos]
        about += [(e, self._named(e)) for e in self.clips[:_COMPARED]]
        for number, (example, own) in enumerate(about):
            for prompt in (own,) if named else dict.fromkeys(self._about_others(example.caption)):
                yield number, example.latents[None, :, :1], self.embeddings[Prompt(prompt)]

    def _named(self, clip: Example) -> str:
        """A clip's caption, about the subject."""
        if self.taught:
            return clip.caption
        return under_name(clip.caption, self.subject.class_noun, self.subject.called)

    def _about_others(self, caption: str) -> list[str]:
        return about_others(caption, self.subject)


def _share(example: Example, known: Tensor | None, otherwise: float) -> Tensor:
    if known is not None:
        return known
    return example.latents.new_full((1, 1, *example.latents.shape[2:]), otherwise)
