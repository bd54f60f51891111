"""A base's text encoder learns further languages."""

from __future__ import annotations

import csv
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import WanTransformer3DModel
from tokenizers import Tokenizer, models
from torch import Generator
from transformers import PreTrainedTokenizerFast

from bases.errors import BaseModelError
from bases.pocket.ears import Ears, gap
from bases.pocket.flow import flow
from bases.pocket.parts import load_text, load_transformer
from bases.pocket.pool import Supply
from bases.pocket.tokenizer import train_tokenizer, with_languages
from bases.pocket.train_languages import draw_captions, others_in, train_languages
from bases.pocket.train_text import train_text
from bases.pocket.train_transformer import train_transformer
from bases.pocket.train_vae import train_vae
from bases.pocket.world import Repertoire
from bases.pocket.world.captions import words_of
from bases.pocket.world.scenes import CHOICES
from bases.wan import embed_prompts
from tests.tiny_pocket import TINY, tiny_text

_WORLD = Repertoire(
    kind=("person",),
    place=("beach",),
    light=("day",),
    shot=("wide",),
    view=("front",),
    move=("still",),
    company=("alone",),
)
_GERMAN = "eine Person am Strand, winkend, Nahaufnahme, fröhlich"


@pytest.mark.filterwarnings("ignore:Mismatch dtype")
def test_the_script_ends_with_the_same_transformer_and_another_text_encoder(tmp_path: Path) -> None:
    shape = replace(TINY, world=_WORLD, languages=("en",))
    train_vae(shape, tmp_path / "vae", steps=2, stills=2, clips=1, pool=2)
    train_text(shape, tmp_path / "text", steps=2, captions=4)
    few = {"steps": 2, "stills": 2, "clips": 1, "supply": Supply(clips=4)}
    train_transformer(shape, tmp_path / "vae" / "vae", tmp_path / "text", tmp_path / "base", **few)
    base, shape = tmp_path / "base" / "pocket", replace(shape, languages=("en", "de"))
    train_languages(shape, base, tmp_path / "out", steps=20, captions=8, places=4)
    with (tmp_path / "out" / "curve.csv").open() as file:
        (row,) = csv.DictReader(file)
    gaps = {f"gap: {other}" for other in ("all", "action", "expression")}
    assert set(row) == {"step", "scenes", "names", "moved", *gaps}
    one, other = load_transformer(base), load_transformer(tmp_path / "out" / "pocket")
    for before, after in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(before, after, rtol=0, atol=0)
    first, second = (load_text(f, torch.device("cpu")) for f in (base, tmp_path / "out" / "pocket"))
    words = [embed_prompts(text, ["a person waving"]) for text in (first, second)]
    assert not torch.equal(*words)
    free = {"steps": 1, "captions": 8, "places": 4, "free": 2, "new_tokens": False}
    train_languages(shape, base, tmp_path / "free", **free)
    third = load_text(tmp_path / "free" / "pocket", torch.device("cpu"))
    assert len(third.tokenizer) == len(first.tokenizer) < len(second.tokenizer)


def test_more_languages_leave_the_tokens_of_before_their_numbers_and_are_read_in_fewer() -> None:
    known = train_tokenizer(captions=300, vocabulary=320)
    more = with_languages(known, ["de"], captions=300, vocabulary=500)
    assert known.get_vocab().items() < more.get_vocab().items()
    assert len(more(_GERMAN).input_ids) < len(known(_GERMAN).input_ids)
    assert more.decode(more(_GERMAN).input_ids, skip_special_tokens=True).strip() == _GERMAN.lower()
    assert more.model_max_length == known.model_max_length
    again = with_languages(more, ["de"], captions=300, vocabulary=500)
    assert again.get_vocab() == more.get_vocab()


def test_a_tokenizer_of_another_kind_is_refused() -> None:
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.Unigram([("a", 0.0)])))
    with pytest.raises(BaseModelError, match="is a 'Unigram', and only a 'BPE'"):
        with_languages(words, ["de"], captions=10)


@pytest.mark.parametrize(("alike", "expected"), [(False, [0, 1.0, 0.5]), (True, [0, 4.0, 1.0])])
def test_the_gap_is_0_of_the_same_words_and_1_of_what_is_not_heard(
    alike: bool, expected: list[float]
) -> None:
    wanted = torch.randn(6, 2, 3, 4, generator=Generator().manual_seed(0))
    swapped = torch.cat(wanted.chunk(2)[::-1])
    deaf = torch.cat([wanted.chunk(2)[0]] * 2)
    gaps = [gap(heard, wanted, alike=alike).item() for heard in (wanted, swapped, deaf)]
    assert gaps == pytest.approx(expected)


def test_ears_hear_what_the_blocks_take_from_a_prompt_while_they_draw() -> None:
    torch.manual_seed(0)
    transformer, text = WanTransformer3DModel(**TINY.transformer).eval(), tiny_text(0)
    (block,) = transformer.blocks
    noisy, sigmas = torch.randn(1, 4, 1, 2, 2), torch.tensor([0.5])
    seen = list[tuple[torch.Tensor, torch.Tensor]]()
    block.attn2.register_forward_hook(lambda _, given, made: seen.append((given[0], made)))
    words = embed_prompts(text, ["a person waving"])
    with torch.no_grad():
        flow(transformer, noisy, sigmas, words)
        ((asked, taken),) = seen
        heard = Ears(transformer, asked).hear(words)
    torch.testing.assert_close(heard[:, 0], taken)


@pytest.mark.parametrize("other", others_in(Repertoire())[1:])
def test_the_scenes_of_a_pair_differ_in_one_choice_alone(other: str) -> None:
    scenes = draw_captions(other, 0, 10, replace(TINY, world=Repertoire()), random.Random(0)).scenes
    count = len(scenes.kind) // 2
    assert count == 10
    for choice in CHOICES:
        first, second = getattr(scenes, choice).chunk(2)
        assert (first == second).all() != (choice == other)
        assert (first != second).all() == (choice == other)


def test_scenes_whose_kinds_can_do_one_thing_each_do_not_differ_in_that() -> None:
    assert "action" not in others_in(Repertoire(kind=("person", "pet"), action=("clap", "sit")))
    assert "action" in others_in(Repertoire(kind=("person", "pet"), action=("clap", "sit", "walk")))


def test_both_captions_of_a_scene_name_the_same_and_both_scenes_of_a_pair_are_told_alike() -> None:
    shape = replace(TINY, world=Repertoire(kind=("person",)), languages=("en",))
    read = draw_captions("expression", 0, 20, shape, random.Random(0))
    choices = ("action", "place", "light", "shot", "view", "move")
    for row in range(40):
        in_plain, said = (
            {
                choice
                for choice in choices
                if any(w in text for w in words_of("en")[choice][read.scenes.named(choice, row)])
            }
            for text in (read.known[0][row], read.said[row])
        )
        assert in_plain <= said
    for first, second in zip(read.known[0][:20], read.known[0][20:], strict=True):
        assert first != second
        assert first.count(",") == second.count(",")
    assert read.named == 0
    named = draw_captions("all", 0, 20, shape, random.Random(0))
    assert named.named == 10
    names = [
        [text.split(", a person")[0].split(", ")[-1] for text in part]
        for part in (named.known[0][:10], named.known[0][20:30])
    ]
    assert names[0] == names[1]


def test_where_known_captions_are_worded_freely_half_of_what_is_said_is_plain() -> None:
    shape = replace(TINY, world=Repertoire(kind=("person",)), languages=("en",))
    read = draw_captions("place", 0, 100, shape, random.Random(0), 2)
    one, other = read.known
    assert sum(map(str.__ne__, one, other)) > 100

    def plain(captions: list[str]) -> int:
        names = (read.scenes.named("place", row) for row in range(200))
        wordings = (words_of("en")["place"][name][0] for name in names)
        return sum(wording in said for wording, said in zip(wordings, captions, strict=True))

    assert plain(read.said) > plain(one) + 30


def test_two_captions_in_which_no_two_names_are_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match="at least 8"):
        train_languages(TINY, tmp_path, captions=6)
