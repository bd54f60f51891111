"""What Pocket's transformer learns from in a step: stills, clips, and pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from bases.objective import FlowMatching
from bases.pocket.flow import Question, contrast_question, flow, heard
from bases.pocket.pool import LatentPool
from bases.pocket.stream import MOVING, PAIRS, Kind
from bases.pocket.training import attention, autocast

Ask = Callable[[Kind, Tensor, Tensor, Generator], Question]
"""Given a kind, its latents (N, C, F, H, W) and prompts' tokens (N, L): what is asked."""


@dataclass(frozen=True)
class Contrasts:
    """Pairs a step of each process, and what the change between the two of a pair counts.

    Attributes:
        expressions: pairs of stills that differ in the expression alone; 0 for none.
        expression_clips: the same of clips, for stills teach a clip's first frame alone.
        views: of stills that differ in the view alone.
        actions: of clips that differ in the action alone.
        expression_weight: what the change counts that another expression makes, in stills and in
            clips.
        view_weight: the same of another view.
        action_weight: the same of another action.
        expression_shift: moves the training on expressions towards more noise; that on all else has
            3, and less noise is where faces are decided.
    """

    expressions: int = 8
    expression_clips: int = 4
    views: int = 6
    actions: int = 3
    expression_weight: float = 80.0
    view_weight: float = 4.0
    action_weight: float = 2.0
    expression_shift: float = 1.5

    @property
    def asked(self) -> dict[Kind, tuple[int, float]]:
        """Of each kind that there are any of, how many and what the change counts."""
        every: dict[Kind, tuple[int, float]] = {
            "expressions": (self.expressions, self.expression_weight),
            "expression clips": (self.expression_clips, self.expression_weight),
            "views": (self.views, self.view_weight),
            "actions": (self.actions, self.action_weight),
        }
        return {kind: wanted for kind, wanted in every.items() if wanted[0]}

    def noise(self, kind: Kind) -> FlowMatching:
        """How strong the noise is in which a kind is learnt."""
        return FlowMatching(shift=self.expression_shift if PAIRS[kind] == "expression" else 3.0)


class _Lesson(NamedTuple):
    """A question, and what the errors of its answer count.

    Attributes:
        kind: what it is about.
        question: asked of N.
        weights: (B, 1, F, H, W).
        share: of the step.
    """

    kind: Kind
    question: Question
    weights: Tensor
    share: float

    def loss(self, answer: Tensor) -> Tensor:
        """Of an answer (N, C, F, H, W)."""
        return (self.weights * self.question.errors(answer)).mean() / self.weights.mean()


@dataclass(frozen=True)
class Lessons:
    """How many of each are shown in a step, and what they count.

    Attributes:
        known: the pool that they are drawn from.
        stills: pictures a step of each process.
        clips: clips a step of each process.
        contrasts: pairs; none of what the world has not.
        guidance: the scale that goes into what is learnt, by which true changes are multiplied.
        dropout: share of prompts that are left empty, as classifier-free guidance wants it.
        subject: what an error on the subject counts beyond one on the place.
        face: what one on the face counts beyond one elsewhere on the subject, for an expression is
            a few pixels.
    """

    known: LatentPool
    stills: int
    clips: int
    contrasts: Contrasts
    guidance: float = 1.0
    dropout: float = 0.1
    subject: float = 2.0
    face: float = 4.0

    def learn(self, model: nn.Module, ask: Ask, generator: Generator) -> dict[str, Tensor]:
        """Add one step's gradients; returns the loss of each kind.

        Questions about stills are asked all at once, and so are those about clips.

        Args:
            model: the transformer, which answers prompts that the pool's text encoder has read.
            ask: what it is asked about a kind of stills or clips.
            generator: on the pool's device, of the choice and the noise.
        """
        losses: dict[str, Tensor] = {}
        lessons = [*self._plain(ask, generator), *self._pairs(generator)]
        for moving in (False, True):
            together = [lesson for lesson in lessons if (lesson.kind in MOVING) == moving]
            with autocast(self.known.device), attention(self.known.device):
                noisy, sigmas, tokens, _ = zip(*(part.question for part in together), strict=True)
                words = heard(self.known.text, torch.cat(tokens))
                answer = flow(model, torch.cat(noisy), torch.cat(sigmas), words)
                answers = answer.split([len(part) for part in noisy])
                own = [part.loss(said) for part, said in zip(together, answers, strict=True)]
                shares = [part.share * loss for part, loss in zip(together, own, strict=True)]
                torch.stack(shares).sum().backward()
            losses |= {part.kind: loss.detach() for part, loss in zip(together, own, strict=True)}
        return losses

    def _plain(self, ask: Ask, generator: Generator) -> Iterator[_Lesson]:
        asked: dict[Kind, int] = {"stills": self.stills, "clips": self.clips}
        for kind, count in asked.items():
            seen, tokens = self.known.some(kind, count, self.dropout, generator)
            question = ask(kind, seen.latents, tokens, generator)
            yield _Lesson(kind, question, seen.weights(self.subject, self.face), 1 / 2)

    def _pairs(self, generator: Generator) -> Iterator[_Lesson]:
        for kind, (count, counts) in self.contrasts.asked.items():
            if kind in self.known.shelves:
                first, second, tokens = self.known.some_pairs(kind, count, generator)
                noise = self.contrasts.noise(kind)
                question = contrast_question(
                    noise, first.latents, second, tokens, generator, self.guidance
                )
                yield _Lesson(kind, question, first.weights(self.subject, self.face), counts / 2)
