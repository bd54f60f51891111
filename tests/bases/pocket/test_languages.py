"""A base's text encoder learns further languages."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import WanTransformer3DModel
from torch import Generator

from bases.pocket.parts import load_text, load_transformer
from bases.pocket.tokenizer import train_tokenizer, with_languages
from bases.pocket.train_languages import Batch, gap, train_languages
from bases.pocket.train_text import train_text
from bases.pocket.train_transformer import train_transformer
from bases.pocket.train_vae import train_vae
from bases.pocket.world import Repertoire, caption, sample_scenes
from bases.wan import embed_prompts
from tests.tiny_pocket import TINY, tiny_text

_GERMAN = "eine Person am Strand, winkend, Nahaufnahme, fröhlich"


@pytest.mark.filterwarnings("ignore:Mismatch dtype")
def test_the_script_ends_with_the_same_transformer_and_another_text_encoder(tmp_path: Path) -> None:
    shape = replace(TINY, world=Repertoire(kind=("person",)), languages=("en",))
    train_vae(shape, tmp_path / "vae", steps=2, stills=2, clips=1, pool=2)
    train_text(shape, tmp_path / "text", steps=2, captions=4)
    few = {"steps": 2, "stills": 2, "clips": 1, "pool": 4}
    train_transformer(shape, tmp_path / "vae" / "vae", tmp_path / "text", tmp_path / "base", **few)
    base, shape = tmp_path / "base" / "pocket", replace(shape, languages=("en", "de"))
    train_languages(shape, base, tmp_path / "out", steps=20, batches=2)
    with (tmp_path / "out" / "curve.csv").open() as file:
        (row,) = csv.DictReader(file)
    gaps = {f"gap: {other}" for other in ("all", "expression", "view", "action")}
    assert set(row) == {"step", "scenes", "names", "moved", *gaps}
    one, other = load_transformer(base), load_transformer(tmp_path / "out" / "pocket")
    for before, after in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(before, after, rtol=0, atol=0)
    first, second = (load_text(f, torch.device("cpu")) for f in (base, tmp_path / "out" / "pocket"))
    words = [embed_prompts(text, ["a person waving"]) for text in (first, second)]
    assert not torch.equal(*words)


def test_more_languages_leave_the_tokens_of_before_their_numbers_and_are_read_in_fewer() -> None:
    known = train_tokenizer(captions=300, vocabulary=320)
    more = with_languages(known, ["de"], captions=300, vocabulary=500)
    assert known.get_vocab().items() < more.get_vocab().items()
    assert len(more(_GERMAN).input_ids) < len(known(_GERMAN).input_ids)
    assert more.decode(more(_GERMAN).input_ids, skip_special_tokens=True).strip() == _GERMAN.lower()
    assert more.model_max_length == known.model_max_length
    again = with_languages(more, ["de"], captions=300, vocabulary=500)
    assert again.get_vocab() == more.get_vocab()


@pytest.mark.parametrize("other", ["all", "expression"])
def test_the_gap_is_0_of_the_same_words_and_1_of_words_that_are_not_heard(other: str) -> None:
    torch.manual_seed(0)
    transformer = WanTransformer3DModel(**TINY.transformer)
    known = tiny_text(0)
    first, second = (
        sample_scenes(2, Generator().manual_seed(seed), kind="person", expression=expression)
        for seed, expression in ((0, "happy"), (1, "sad"))
    )
    batch = Batch(other, torch.randn(2, 4, 1, 2, 2), first, second)  # type: ignore[arg-type]
    plain = [caption(scene, row) for scene in (first, second) for row in range(2)]
    words = embed_prompts(known, plain)
    swapped = torch.cat(words.chunk(2)[::-1])
    deaf = torch.cat([words.chunk(2)[0]] * 2)
    errors = [
        gap(transformer, known, batch, plain, heard, Generator().manual_seed(2))
        for heard in (words, swapped, deaf)
    ]
    assert errors[0].item() == pytest.approx(0, abs=1e-6)
    expected = {"all": [1.0, 0.5], "expression": [4.0, 1.0]}[other]
    assert [error.item() for error in errors[1:]] == pytest.approx(expected, rel=1e-4)
