"""What Pocket's transformer learns from in a step: stills, clips, and pairs of stills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Generator, Tensor

from bases.pocket.crew import crew_seed
from bases.pocket.flow import learn
from bases.pocket.pool import LatentPool
from bases.pocket.stream import Kind

ErrorOf = Callable[[Kind, Tensor, Tensor, Generator], Tensor]
"""Given a kind, its latents (B, C, F, H, W) and embedded prompts (B, L, D): errors."""
ChangeErrorOf = Callable[[Tensor, Tensor, Tensor, Generator], Tensor]
"""Given both latents of pairs (B, C, 1, H, W) and both embedded prompts (2 × B, L, D): errors."""


@dataclass(frozen=True)
class Lessons:
    """How many of each are shown in a step, and what they count.

    Attributes:
        known: the pool that they are drawn from.
        stills: pictures a step of each process.
        clips: clips a step of each process.
        pairs: of stills a step that differ in the expression alone; none where there are no people.
        dropout: share of prompts that are left empty.
        subject: what an error on the subject counts beyond one on the place.
        face: what one on the face counts beyond one elsewhere on the subject.
        change: what the difference between the two of a pair counts.
    """

    known: LatentPool
    stills: int
    clips: int
    pairs: int
    dropout: float
    subject: float
    face: float
    change: float

    def learn(
        self, step: int, error_of: ErrorOf, change_error_of: ChangeErrorOf
    ) -> dict[str, Tensor]:
        """Add one step's gradients; returns the loss of each kind."""
        generator = Generator().manual_seed(crew_seed(step, self.known.stream.seed))
        losses: dict[str, Tensor] = {}
        asked: dict[Kind, int] = {"stills": self.stills, "clips": self.clips}
        for kind, count in asked.items():
            seen, words = self.known.some(kind, count, self.dropout, generator)
            errors = partial(error_of, kind, seen.latents, words, generator)
            losses[kind] = learn(errors, seen.weights(self.subject, self.face), 1 / 2)
        if self.pairs and "pairs" in self.known.shelves:
            first, second, words = self.known.some_pairs(self.pairs, generator)
            errors = partial(change_error_of, first.latents, second, words, generator)
            weights = first.weights(self.subject, self.face)
            losses["pairs"] = learn(errors, weights, self.change / 2)
        return losses
