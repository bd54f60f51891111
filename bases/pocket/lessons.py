"""What Pocket's transformer learns from in a step: stills, clips, and pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import Generator, Tensor

from bases.pocket.crew import crew_seed
from bases.pocket.flow import learn
from bases.pocket.pool import LatentPool
from bases.pocket.stream import Kind

ErrorOf = Callable[[Kind, Tensor, Tensor, Generator], Tensor]
"""Given a kind, its latents (B, C, F, H, W) and prompts' tokens (B, L): errors."""
ChangeErrorOf = Callable[[Kind, Tensor, Tensor, Tensor, Generator], Tensor]
"""Given a kind, both latents of pairs (B, C, F, H, W) and tokens of both (2 × B, L): errors."""


@dataclass(frozen=True)
class Lessons:
    """How many of each are shown in a step, and what they count.

    Attributes:
        known: the pool that they are drawn from.
        stills: pictures a step of each process.
        clips: clips a step of each process.
        pairs: of each kind how many a step of each process, and what the difference between the two
            of a pair counts; none of what the world has not.
        dropout: share of prompts that are left empty, as classifier-free guidance wants it.
        subject: what an error on the subject counts beyond one on the place.
        face: what one on the face counts beyond one elsewhere on the subject, for an expression is
            a few pixels.
    """

    known: LatentPool
    stills: int
    clips: int
    pairs: Mapping[Kind, tuple[int, float]]
    dropout: float = 0.1
    subject: float = 2.0
    face: float = 4.0

    def learn(
        self, step: int, error_of: ErrorOf, change_error_of: ChangeErrorOf
    ) -> dict[str, Tensor]:
        """Add one step's gradients; returns the loss of each kind."""
        generator = Generator().manual_seed(crew_seed(step, self.known.stream.seed))
        losses: dict[str, Tensor] = {}
        asked: dict[Kind, int] = {"stills": self.stills, "clips": self.clips}
        for kind, count in asked.items():
            seen, tokens = self.known.some(kind, count, self.dropout, generator)
            errors = partial(error_of, kind, seen.latents, tokens, generator)
            losses[kind] = learn(errors, seen.weights(self.subject, self.face), 1 / 2)
        for kind, (count, change) in self.pairs.items():
            if count and kind in self.known.shelves:
                first, second, tokens = self.known.some_pairs(kind, count, generator)
                errors = partial(change_error_of, kind, first.latents, second, tokens, generator)
                losses[kind] = learn(errors, first.weights(self.subject, self.face), change / 2)
        return losses
