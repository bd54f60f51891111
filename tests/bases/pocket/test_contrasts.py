"""Pairs of stills that differ in the expression alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import UMT5Config, UMT5EncoderModel

from bases.objective import FlowMatching
from bases.pocket import BASE
from bases.pocket.contrasts import Contrast, contrast_error, expression_pairs
from bases.pocket.parts import load_vae
from bases.pocket.tokenizer import train_tokenizer
from bases.pocket.world import Repertoire
from bases.wan import WanText
from tests.bases.pocket.test_training import TINY

_SHAPE = replace(TINY, size=64, languages=("en", "de"), world=Repertoire(kind=("person",)))


@pytest.fixture(scope="module")
def pairs() -> Contrast:
    return expression_pairs(3, load_vae(BASE / "vae").eval(), 6, _SHAPE)


@pytest.fixture(scope="module")
def text() -> WanText:
    tokenizer = train_tokenizer()
    config = UMT5Config(vocab_size=len(tokenizer), dropout_rate=0.0, **TINY.text)
    return WanText(tokenizer, UMT5EncoderModel(config).requires_grad_(False))


def test_the_two_of_a_pair_differ_in_the_face_and_in_a_word(pairs: Contrast) -> None:
    apart = (pairs.second.latents - pairs.first.latents).square().mean(1, keepdim=True)
    faces = pairs.first.faces
    assert torch.equal(faces, pairs.second.faces)
    inside, outside = ((apart * where).sum() / where.sum() for where in (faces, 1 - faces))
    assert inside > 5 * outside
    for one, other in zip(pairs.prompts[:6], pairs.prompts[6:], strict=True):
        assert one != other
        pieces = ([piece.strip() for piece in said.split(",")] for said in (one, other))
        assert sum(a != b for a, b in zip(*pieces, strict=True)) == 1


def test_pairs_are_new_with_each_seed_and_the_same_again(pairs: Contrast) -> None:
    codec = load_vae(BASE / "vae").eval()
    same, other = (expression_pairs(seed, codec, 6, _SHAPE) for seed in (3, 4))
    assert torch.equal(same.first.latents, pairs.first.latents)
    assert not torch.equal(other.first.latents, pairs.first.latents)


class _Flow(nn.Module):
    """A transformer that hears no prompt and answers as it is told to."""

    def __init__(self, answer: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, hidden_states: Tensor, **_: Any) -> tuple[Tensor]:
        return (self.answer(hidden_states),)


def test_who_makes_the_true_change_has_no_error_whatever_the_rest(
    pairs: Contrast, text: WanText
) -> None:
    first, second = pairs.first.latents, pairs.second.latents
    truth, rest = torch.cat((-first, -second)), torch.randn_like(first).repeat(2, 1, 1, 1, 1)

    def error(answer: Callable[[Tensor], Tensor]) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        return contrast_error(_Flow(answer), text, FlowMatching(), pairs, generator)

    torch.testing.assert_close(error(lambda _: truth + rest), torch.zeros_like(first))
    deaf = error(lambda noisy: noisy)
    torch.testing.assert_close(deaf, (second - first).square())
