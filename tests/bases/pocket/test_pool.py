"""What is drawn for Pocket's trainings, by one process or several, and kept for them."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from transformers import UMT5Config, UMT5EncoderModel

from bases.errors import BaseModelError
from bases.objective import FlowMatching
from bases.pocket import SMALL
from bases.pocket.casting import Choice, casting, draw_cast, pair_captions, pairs
from bases.pocket.flow import Question, contrast_question
from bases.pocket.latents import load_codec
from bases.pocket.pool import LatentPool, Pairs, RawPool, Shelf
from bases.pocket.stream import COARSE, MOVING, PAIRS, Kind, Stream, _Plan
from bases.pocket.tokenizer import train_tokenizer
from bases.pocket.training import CPU
from bases.pocket.world import Repertoire, sample_scenes
from bases.wan import WanText, embed_prompts, embed_tokens
from tests.tiny_pocket import TINY

_SHAPE = replace(TINY, size=64, languages=("en", "de"), world=Repertoire(kind=("person",)))


@pytest.fixture(scope="module")
def text() -> WanText:
    tokenizer = train_tokenizer()
    config = UMT5Config(vocab_size=len(tokenizer), dropout_rate=0.0, **TINY.text)
    return WanText(tokenizer, UMT5EncoderModel(config).eval().requires_grad_(False))


@pytest.fixture(scope="module")
def pool(text: WanText) -> LatentPool:
    stream = Stream(_SHAPE, text, pairs=list(PAIRS))
    pool = LatentPool(stream, 4, load_codec(SMALL / "vae", CPU), text, 16)
    pool.fill()
    return pool


@pytest.fixture(scope="module")
def faces(pool: LatentPool) -> Pairs:
    return pool.some_pairs("expressions", 6, Generator().manual_seed(0))


def test_a_shelf_keeps_what_came_last() -> None:
    shelf = Shelf(5, CPU)
    for first, last in ((0, 3), (3, 6), (0, 9)):
        shelf.add((torch.arange(first, last), torch.zeros(last - first, 2)))
    assert len(shelf) == 5
    some, zeros = shelf.some(200, Generator().manual_seed(0))
    assert set(some.tolist()) == {4, 5, 6, 7, 8}
    assert zeros.shape == (200, 2)


def test_a_stream_is_the_same_again_and_never_repeats_itself(text: WanText) -> None:
    first, again = (list(Stream(TINY, text).ready(16)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.kind == other.kind
        assert all(map(torch.equal, one.parts, other.parts))
    videos = [drawn.parts[0] for drawn in first if drawn.kind == "stills"]
    assert len(videos) > 1
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(videos, 2))
    assert not torch.equal(videos[0], next(_of("stills", Stream(TINY, text, seed=1))).parts[0])


@pytest.mark.parametrize(("clips", "room"), [(0, None), (4, 3), (-1, None)])
def test_a_pool_without_room_is_refused(clips: int, room: int | None) -> None:
    with pytest.raises(BaseModelError, match=r"give at least one clip, and room for all"):
        RawPool(Stream(TINY), clips, CPU, room)
    with pytest.raises(BaseModelError, match="makers=-1"):
        Stream(TINY, makers=-1)


def test_a_pool_takes_in_what_is_new_at_every_so_manyeth_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream, asked = Stream(_SHAPE), list[int]()
    pool = RawPool(stream, 1, CPU)
    monkeypatch.setattr(stream, "ready", lambda most: asked.append(step) or iter(()))
    for every, wanted in ((0, []), (1, [0, 1, 2, 3, 4]), (3, [0, 3])):
        asked.clear()
        stream.every = every
        for step in range(5):
            pool.grow(step)
        assert asked == wanted
    assert not Stream(_SHAPE).every
    assert not Stream(_SHAPE, device=torch.device("cuda")).every


def test_makers_draw_what_one_process_would(text: WanText) -> None:
    """In any order, and no batch twice."""
    stream, drawn = Stream(TINY, text, makers=2), []
    begun = time.monotonic()
    while len(drawn) < 6 and time.monotonic() - begun < 120:
        drawn += stream.ready(6)
        time.sleep(0.1)
    alone = {batch.parts[0].sum().item() for batch in Stream(TINY, text).ready(40)}
    sums = [batch.parts[0].sum().item() for batch in drawn]
    assert len(drawn) >= 6
    assert len(set(sums)) == len(sums)
    assert set(sums) <= alone
    stream._ahead._makers[0].kill()
    stream._ahead._makers[0].join()
    pool = RawPool(stream, 1000, CPU)
    with pytest.raises(BaseModelError, match="One of the 2 processes"):
        pool.fill()


def test_pairs_are_of_people_alone_and_have_captions(text: WanText) -> None:
    assert Stream(_SHAPE, text).kinds == ["stills", "clips", "expressions"]
    assert Stream(_SHAPE, text, pairs=list(PAIRS)).kinds == ["stills", "clips", *PAIRS]
    ahead = replace(_SHAPE, world=Repertoire(kind=("person",), view=("front", "front")))
    assert "views" not in Stream(ahead, text, pairs=list(PAIRS)).kinds
    assert Stream(_SHAPE).kinds == ["stills", "clips"]
    balls = replace(_SHAPE, world=Repertoire(kind=("object",)))
    assert Stream(balls, text).kinds == ["stills", "clips"]


def test_raw_footage_is_what_was_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bases.pocket.stream._OFTEN", {"stills": 0, "clips": 1})
    pool = RawPool(Stream(_SHAPE), 8, CPU)
    pool.put(next(iter(pool.stream.ready(1))))
    video, mask = pool.some("clips", 3, Generator().manual_seed(0))
    truth, subjects, _ = draw_cast(casting(20_000_000, 8, _SHAPE), _SHAPE, 5, CPU)
    apart = (video[:, None] - truth[None]).abs().amax((2, 3, 4, 5))
    assert apart.amin(1).max() < 1 / 127
    shares = [F.avg_pool3d(part, (1, 4, 4)) for part in (mask, subjects[apart.argmin(1)])]
    torch.testing.assert_close(*shares, rtol=0, atol=1 / 250)


def test_latents_come_with_one_of_their_captions_or_with_none(
    pool: LatentPool, text: WanText
) -> None:
    def words(dropout: float) -> tuple[Tensor, Tensor]:
        seen, tokens = pool.some("stills", 8, dropout, Generator().manual_seed(3))
        return seen.latents, embed_tokens(text, tokens)

    latents, said = words(0.0)
    assert latents.shape == (8, 24, 1, 8, 8)
    assert latents.std() == pytest.approx(1, abs=0.3)
    assert len(said.flatten(1).unique(dim=0)) > 4
    same, unsaid = words(1.0)
    assert torch.equal(latents, same)
    torch.testing.assert_close(unsaid, embed_prompts(text, [""]).expand_as(unsaid))


@pytest.mark.parametrize(
    ("kind", "frames", "times"),
    [("expressions", 1, 5), ("expression clips", 2, 3), ("views", 1, 3), ("actions", 2, 3)],
)
def test_the_two_of_a_pair_differ_where_it_is_told(
    pool: LatentPool, kind: Kind, frames: int, times: int
) -> None:
    first, second, tokens = pool.some_pairs(kind, 6, Generator().manual_seed(0))
    assert first.latents.shape == second.shape == (6, 24, frames, 8, 8)
    apart = (second - first.latents).square().mean(1, keepdim=True)
    there = first.faces if PAIRS[kind] == "expression" else first.subjects
    inside, outside = ((apart * where).sum() / where.sum() for where in (there, 1 - there))
    assert inside > times * outside
    assert all(not torch.equal(a, b) for a, b in zip(*tokens.chunk(2), strict=True))


@pytest.mark.parametrize("choice", ["expression", "view", "action"])
def test_the_captions_of_a_pair_differ_in_a_word(choice: Choice) -> None:
    rng = random.Random(3)
    first, second = pairs(choice, 3, 6, _SHAPE, rng)
    said = pair_captions(choice, (first, second), _SHAPE, rng)
    assert (getattr(first.scene, choice) != getattr(second.scene, choice)).all()
    for one, other in zip(*said, strict=True):
        assert one != other
        pieces = ([piece.strip() for piece in caption.split(",")] for caption in (one, other))
        assert sum(a != b for a, b in zip(*pieces, strict=True)) == 1


def test_who_has_another_view_is_turned_as_far_within_it() -> None:
    first, second = pairs("view", 3, 40, _SHAPE, random.Random(3))
    own = sample_scenes(40, Generator().manual_seed(5), _SHAPE.world)
    ranges = {view: own.yaw[own.view == view].abs() for view in own.view.unique().tolist()}
    for view, known in ranges.items():
        turned = second.scene.yaw[second.scene.view == view].abs()
        middle = (known.min() + known.max()) / 2
        assert ((turned - middle).abs() < 0.4).all()
    assert torch.equal(first.scene.yaw.sign(), second.scene.yaw.sign())
    back = second.scene.with_choice("view", first.scene.view)
    torch.testing.assert_close(back.yaw, first.scene.yaw)


def test_who_makes_the_true_change_has_no_error_whatever_the_rest(faces: Pairs) -> None:
    first, second = faces.first.latents, faces.second

    def question(guidance: float) -> Question:
        generator = Generator().manual_seed(0)
        return contrast_question(FlowMatching(), first, second, faces.tokens, generator, guidance)

    truth, rest = torch.cat((-first, -second)), torch.randn_like(first).repeat(2, 1, 1, 1, 1)
    for guidance in (1.0, 3.0):
        off = question(guidance).errors(guidance * truth + rest)
        torch.testing.assert_close(off, torch.zeros_like(first))
    noisy, sigmas, _, errors = question(1.0)
    assert torch.equal(*noisy.chunk(2))
    assert torch.equal(*sigmas.chunk(2))
    torch.testing.assert_close(errors(noisy), (second - first).square())


def _of(kind: str, stream: Stream) -> Any:
    return (drawn for drawn in stream.ready(40) if drawn.kind == kind)


def test_what_others_put_into_words_is_what_a_gpu_draws(
    text: WanText, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bases.pocket.stream._AT_ONCE_ON_GPU", (4, 2))
    plan = _Plan(_SHAPE, text.tokenizer, ["stills", "clips", *PAIRS], on_gpu=True)
    kinds = set()
    for number in range(20):
        _, tokens = plan.worded(number)
        kind, parts = plan.drawn(number)
        kinds.add(kind)
        assert torch.equal(*tokens, parts[-1])
        assert len(parts[0]) == (2 if kind in MOVING else 4) // (2 if kind in PAIRS else 1)
        if kind in PAIRS:
            first, subjects, _, second, _ = parts
            assert first.shape == second.shape
            assert subjects.shape[-1] == first.shape[-1] // COARSE
    assert len(kinds) > 4
