"""The data: batches of cached photos and preservation clips, ordered by the step's number alone."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, IterableDataset

from bases.families import family_of
from bases.family import Family
from bases.fingerprint import fingerprint
from bases.hub import open_base
from bases.spelling import lost_in
from finetune.batches import Batch
from finetune.buckets import RATIOS, Buckets
from finetune.captions import captioned, photo_captions
from finetune.errors import TrainingError
from finetune.examples import (
    Example,
    embed,
    load_examples,
    photo_examples,
    photos_digest,
    save_examples,
)
from finetune.lights import TINTS
from finetune.limits import MOST, above, at_least, at_most
from finetune.material import Material
from finetune.preservation import preservation_examples
from finetune.teacher import find_teacher, taught_examples
from subjects import Subject
from subjects.masks import Segmenter


class SubjectData(pl.LightningDataModule):
    """A subject's photos, and clips that keep the base's motion.

    Args:
        subject: the subject's name.
        home: where subjects live.
        base: name or folder of the base.
        photos: photos a step.
        held: photos a step that are shown as clips in which nothing moves, so that the subject is
            learnt for every frame, and not that it stands still; 0 for none.
        held_frames: frames of such a clip, brought down to a number that the base can draw, more
            than one; the base's own if not given. Few take less time, and what they teach holds for
            further ones.
        clips: preservation clips a step: in them the subject is to move as the base lets somebody
            move, so that actions survive learning from stills; 0.5 for one in every second step, 0
            for none.
        pool: how many preservation clips there are to draw from, at most; Pocket comes with 32 of
            people, to which no more are added.
        clip_weight: weight of the clips' loss beside the photos'.
        side: photos are brought to about side times side pixels; the base's own size if not given.
        ratios: width over height of the buckets.
        flip: whether each photo is also seen in a mirror.
        stillness: whether the captions of photos, held or not, say that nothing moves in them, so
            that this goes with those words and not with the subject's name. For captions that do
            not tell what the subject does.
        surroundings: whether the captions of photos name a place and a light too, so that these go
            with their words and not with the subject's name: always the likeliest of those that
            preservation clips are asked for, as the base sees it, which has to fit the memory
            whole. Measured on Pocket alone. Captions that a person or a captioner wrote stay.
        relit: whether photos that are seen to be by day, as `surroundings` tells it of those that
            nobody described, are learnt as if at dusk and at night too, tinted (`finetune.lights`),
            every second time that they come up. Measured on Pocket alone.
        segmenter: the folder of a segmentation model that outlines the subject, for
            `model.background_weight`; the faces' boxes tell where it is if not given.
        dropout: share of captions left empty, for classifier-free guidance.
        seed: of the order.
        others: whether photos and clips come with prompts about nobody and other names too, as
            `model.prior_weight` wants it.
        pictures: other photos of the subject that each prompt comes with, where the base takes
            pictures.
        teacher: an adapter of the subject, by name, on the same base; the clips are then such as it
            draws, and are learnt like the photos; see `finetune.teacher`.

    Raises:
        TrainingError: if a number is out of its range, no photo may be learnt from, or the base
            cannot read the trigger.
    """

    def __init__(
        self,
        subject: str,
        home: Path,
        base: str = "pocket",
        photos: int = 1,
        held: int = 0,
        held_frames: int | None = None,
        clips: float = 1,
        pool: int = 64,
        clip_weight: float = 1.0,
        side: int | None = None,
        ratios: tuple[float, ...] = RATIOS,
        flip: bool = False,
        stillness: bool = False,
        surroundings: bool = False,
        relit: bool = False,
        segmenter: Path | None = None,
        dropout: float = 0.05,
        seed: int = 0,
        others: bool = False,
        pictures: int = 1,
        teacher: str | None = None,
    ) -> None:
        super().__init__()
        at_least(1, "data", photos=photos, pool=pool, pictures=pictures)
        at_least(0, "data", held=held, clips=clips, clip_weight=clip_weight, dropout=dropout)
        at_most(1, "data", dropout=dropout)
        at_most(MOST, "data", photos=photos, held=held, clips=clips, pool=pool)
        at_least(1, "data", **{"ratios: their number": len(ratios)})
        above(0, "data", **{f"ratios[{index}]": ratio for index, ratio in enumerate(ratios)})
        self.subject, self.home, self.base = Subject.load(home, subject), home, open_base(base)
        self.photos, self.held, self.clips = photos, held, clips
        self.pool, self.clip_weight = pool, clip_weight
        grid = family_of(self.base).grid
        if held_frames is not None:
            at_least(1 + grid.temporal, "data", held_frames=held_frames)
        self.held_frames = grid.frames(held_frames or self.base.frames)
        native = round((self.base.height * self.base.width) ** 0.5)
        self.side = native if side is None else side
        at_least(16, "data", side=self.side)
        at_most(MOST, "data", side=self.side)
        self.ratios, self.flip, self.dropout, self.seed = tuple(ratios), flip, dropout, seed
        self.stillness, self.surroundings = stillness, surroundings
        self.lights = tuple(TINTS) if relit else ()
        self.segmenter, self.others = segmenter, others
        if not self.subject.learnt:
            raise TrainingError(
                f"The subject {subject!r} has no photo to learn from: none is marked 'keep' or "
                f"'care' in {str(self.subject.folder / 'photos' / 'metadata.jsonl')!r}. Change a "
                "verdict there, or add the subject again with better photos."
            )
        if teacher and not clips:
            raise TrainingError(
                f"data.teacher={teacher!r} draws clips to learn, and data.clips=0 asks for none: "
                "give --data.clips 2, or leave the teacher out."
            )
        self.teacher = teacher and find_teacher(teacher, home, self.subject, self.base)
        self.pictures = pictures
        self._check_pictures(family_of(self.base).pictures)
        if relit and not surroundings:
            raise TrainingError(
                "data.relit=True wants to know which photos are by day, as data.surroundings "
                "tells: give --data.surroundings true, or --data.relit false."
            )
        if lost := lost_in(self.base.source, self.subject.trigger):
            raise TrainingError(
                f"The base {self.base.name!r} cannot read {self.subject.trigger!r}, the trigger: "
                f"its {lost[0]} has no piece for some of the letters. Choose another with "
                f"'starring subject edit {subject} --trigger WORD'."
            )

    def _check_pictures(self, most: int) -> None:
        """Make sure that a base that takes some pictures, or none, can be given them."""
        if not most:
            return
        photos = len(self.subject.learnt)
        if self.pictures > (most := min(most, photos - 1)):
            raise TrainingError(
                f"data.pictures={self.pictures} does not fit: with each photo that is learnt, the "
                f"base {self.base.name!r} is shown others of the subject, of which there "
                f"{'is' if photos == 1 else 'are'} {photos}. "
                + (f"Give {most} at most, or add photos." if most > 0 else "Add another photo.")
            )
        for name, asked, none in (
            ("data.clips", self.clips, 0),
            ("model.prior_weight", self.others, 0),
            ("data.relit", self.lights, "false"),
            ("data.surroundings", self.surroundings, "false"),
        ):
            if asked:
                raise TrainingError(
                    f"{name} does not fit the base {self.base.name!r}, which sees the subject "
                    f"whatever the prompt says: give --{name} {none}."
                )

    def prepare_data(self) -> None:
        """Encode what is not yet kept, one encoder after the other."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        family = family_of(self.base)
        buckets = Buckets(self.side, family.grid.multiple, self.ratios)
        photos = self._photos(family, buckets, 1, device)
        held = self._photos(family, buckets, self.held_frames, device) if self.held else []
        clips = self._clips(family, dtype, device) if self.clips else []
        said = photo_captions(
            photos,
            self.subject,
            family,
            views=self._views,
            lights=self.lights,
            surroundings=self.surroundings,
            stillness=self.stillness,
            dtype=dtype,
            device=device,
        )
        self.captions = [caption for caption in said[:: 1 + self.flip] if caption is not None]
        photos, held = (captioned(e, said, self._views, self.lights) for e in (photos, held))
        self.material = Material(
            self.subject, photos, held, clips, taught=bool(self.teacher), others=self.others
        )
        self.material.embeddings = embed(
            self.material.prompts(), family, self.subject.learnt, dtype=dtype, device=device
        )

    @property
    def _views(self) -> int:
        """How often each photo is encoded: in every light, and in a mirror."""
        return (1 + len(self.lights)) * (1 + self.flip)

    def forget(self) -> None:
        """Let go of what was prepared, which lies on the disk."""
        del self.material, self.captions

    def _clips(self, family: Family, dtype: torch.dtype, device: torch.device) -> list[Example]:
        """Clips of the subject by a teacher, or of somebody by the base."""
        if self.teacher:
            return taught_examples(
                self.teacher,
                self.base,
                family,
                self.subject,
                count=self.pool,
                dtype=dtype,
                device=device,
            )
        return preservation_examples(
            self.base,
            family,
            count=self.pool,
            class_noun=self.subject.class_noun,
            kind=self.subject.kind,
            cache=self.home / "cache",
            dtype=dtype,
            device=device,
        )

    def _photos(
        self, family: Family, buckets: Buckets, frames: int, device: torch.device
    ) -> list[Example]:
        """The photos as clips of so many equal frames, encoded once."""
        settings: dict[str, object] = {
            "encoded by": self.base.fingerprint_of_latents,
            "photos": photos_digest(self.subject),
            "side": self.side,
            "ratios": list(self.ratios),
            "flip": self.flip,
            "lights": list(self.lights),
            "frames": frames,
            "segmented": self.segmenter
            and [fingerprint(str(self.segmenter), "."), self.subject.called],
        }
        kind = "photos" if frames == 1 else "held"
        path = self.subject.folder / "cache" / f"{kind}-{self.base.name}.safetensors"
        examples = load_examples(path, settings)
        if examples is None:
            who = self.subject.kind, self.subject.class_noun
            examples = photo_examples(
                self.subject,
                family,
                buckets,
                frames=frames,
                flip=self.flip,
                lights=self.lights,
                segment=Segmenter(self.segmenter, *who) if self.segmenter else None,
                dtype=torch.float32,
                device=device,
            )
            save_examples(path, examples, settings)
        return self._beside_others(examples) if family.pictures else examples

    def _beside_others(self, examples: list[Example]) -> list[Example]:
        """Photos, of which each comes with those that follow it."""
        every = len(self.subject.learnt)
        return [
            replace(
                e, photos=tuple((i // self._views + n) % every for n in range(1, self.pictures + 1))
            )
            for i, e in enumerate(examples)
        ]

    def train_dataloader(self) -> DataLoader[list[Batch]]:
        """Batches from the trainer's step on: a resumed run sees what it would have seen."""
        return DataLoader(_Steps(self), batch_size=None)

    def batches_at(self, step: int) -> list[Batch]:
        """What is seen at a step: a function of the seed and the step."""
        rng = random.Random(f"{self.seed}/{step}")
        wanted = [
            ("photos", self.photos, 1.0),
            ("held", self.held, 1.0),
            ("clips", ceil((step + 1) * self.clips) - ceil(step * self.clips), self.clip_weight),
        ]
        return [
            self.material.batch(name, count, rng, number=step, weight=weight, dropout=self.dropout)
            for name, count, weight in wanted
            if count and self.material.of(name)
        ]


class _Steps(IterableDataset[list[Batch]]):
    """An endless row of steps, from the trainer's own on, whenever it begins an epoch."""

    def __init__(self, data: SubjectData) -> None:
        self.data = data

    def __iter__(self) -> Iterator[list[Batch]]:
        trainer = self.data.trainer
        done = trainer.global_step * trainer.accumulate_grad_batches
        return map(self.data.batches_at, itertools.count(done))
