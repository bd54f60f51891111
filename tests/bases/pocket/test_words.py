"""A text encoder learns what captions say, and a base learns to heed it."""

from __future__ import annotations

import copy
import csv
import math
import random
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import WanTransformer3DModel
from torch import Generator, nn

from bases.errors import BaseModelError
from bases.pocket.casting import casting, new_captions
from bases.pocket.flow import flow
from bases.pocket.lessons import Contrasts
from bases.pocket.parts import load_text
from bases.pocket.pool import Supply
from bases.pocket.stream import PAIRS
from bases.pocket.train_text import moved_by, train_text
from bases.pocket.train_transformer import train_transformer
from bases.pocket.train_vae import train_vae
from bases.pocket.train_words import learn_words, listen_through, train_words, translation
from bases.pocket.world import Repertoire
from bases.wan import WanText, embed_prompts
from tests.tiny_pocket import TINY, tiny_text

_FEW = Supply(clips=4)


@pytest.mark.filterwarnings("ignore:Mismatch dtype")
def test_the_words_script_ends_with_a_base_that_has_the_new_text_encoder(tmp_path: Path) -> None:
    shape = replace(TINY, world=Repertoire(kind=("person",)))
    train_vae(shape, tmp_path / "vae", steps=2, stills=2, clips=1, pool=2)
    train_text(shape, tmp_path / "text", steps=2, captions=4)
    vae, base, better = tmp_path / "vae" / "vae", tmp_path / "base", tmp_path / "better"
    train_transformer(shape, vae, tmp_path / "text", base, steps=2, stills=2, clips=1, supply=_FEW)
    train_text(shape, better, init=base / "pocket", steps=2, captions=4)
    pairs = Contrasts(expressions=2, expression_clips=1, views=2, actions=1)
    few: dict[str, Any] = {"stills": 2, "clips": 1, "contrasts": pairs, "supply": _FEW}
    out = tmp_path / "words"
    train_words(shape, base / "pocket", better, out, steps=20, **few)
    with (out / "curve.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert {"stills", "clips", *PAIRS} < set(row)
    one, other = (load_text(f, torch.device("cpu")) for f in (better, out / "pocket"))
    assert moved_by(embed_prompts(one, ["a person waving"]), other, ["a person waving"]) == 0
    train_words(
        shape, base / "pocket", better, tmp_path / "on", init=out / "pocket", steps=1, **few
    )
    assert (tmp_path / "on" / "pocket" / "model_index.json").is_file()


def test_a_text_encoder_that_reads_with_another_tokenizer_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known, other = (tiny_text(seed) for seed in (0, 1))
    other.tokenizer.add_tokens(["starring"])
    monkeypatch.setattr("bases.pocket.train_words.load_text", lambda *_: known)
    monkeypatch.setattr("bases.pocket.train_words.load_transformer", lambda _: nn.Linear(1, 1))
    pool: Any = SimpleNamespace(text=other, device=torch.device("cpu"))
    with pytest.raises(BaseModelError, match="reads with another tokenizer than the base"):
        learn_words(TINY, pool, tmp_path, tmp_path / "out", init=tmp_path)


def test_a_transformer_hears_another_encoder_as_it_heard_its_own() -> None:
    """As far as the one's tokens can be told from the other's."""
    shape = replace(TINY, world=Repertoire(kind=("person",)))
    known = tiny_text(0)
    other = WanText(known.tokenizer, copy.deepcopy(known.encoder))
    turn = torch.linalg.qr(torch.randn(8, 8, generator=Generator().manual_seed(1)))[0]
    plain = other.encoder.forward

    def turned(*arguments: Any) -> Any:
        said = plain(*arguments)
        said.last_hidden_state = said.last_hidden_state @ turn
        return said

    other.encoder.forward = turned  # type: ignore[method-assign]
    captions = new_captions(casting(0, 40, shape), shape, random.Random(0))
    matrix = translation(other, known, captions)
    torch.testing.assert_close(matrix, turn.T, rtol=0, atol=1e-2)
    torch.manual_seed(0)
    transformer = WanTransformer3DModel(**TINY.transformer)
    again = copy.deepcopy(transformer)
    listen_through(again, turn.T)
    noisy, sigmas = torch.randn(2, 4, 2, 2, 2), torch.tensor([0.3, 0.9])
    words = embed_prompts(known, captions[:2])
    torch.testing.assert_close(
        flow(again, noisy, sigmas, words @ turn), flow(transformer, noisy, sigmas, words)
    )


@pytest.mark.filterwarnings("ignore:Mismatch dtype")
def test_the_text_encoder_learns_what_is_shown_and_whose_name_it_is(tmp_path: Path) -> None:
    """And goes on from there with its tokens nearly as they were."""
    width = {"d_model": 32, "d_kv": 16, "d_ff": 32, "num_layers": 1, "num_heads": 2}
    shape = replace(TINY, world=Repertoire(kind=("person",)), text=width)
    train_text(shape, tmp_path, steps=200, captions=16, rate=1e-2)
    with (tmp_path / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["scenes"]) < 0.9 * float(rows[0]["scenes"])
    names = fmean(float(row["names"]) for row in rows[-3:])
    assert names < 0.9 * math.log(7)  # of eight captions, which of the seven others has the name
    first, words = load_text(tmp_path, torch.device("cpu")), ["vodoj, a person waving"]
    train_text(shape, tmp_path / "next", init=tmp_path, steps=4, captions=4)
    second = load_text(tmp_path / "next", torch.device("cpu"))
    assert 0 < moved_by(embed_prompts(second, words), first, words) < 0.1


def test_a_name_in_a_single_caption_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="at least 4"):
        train_text(TINY, tmp_path, captions=3)
