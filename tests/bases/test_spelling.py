"""A word is lost on a tokenizer that has no piece for its letters."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from bases.hub import open_base
from bases.spelling import lost_in
from tests.tiny_base import plain_tokenizer


def _of_letters(letters: str) -> PreTrainedTokenizerFast:
    words = Tokenizer(models.Unigram([("<unk>", 0.0), *((letter, -1.0) for letter in letters)], 0))
    words.pre_tokenizer = pre_tokenizers.Metaspace()
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>")


def test_letters_without_a_piece_are_lost(tmp_path: Path) -> None:
    plain_tokenizer().save_pretrained(tmp_path / "tokenizer")
    _of_letters("▁mira").save_pretrained(tmp_path / "tokenizer_2")
    assert lost_in(str(tmp_path), "mira") == []
    assert lost_in(str(tmp_path), "米拉") == ["tokenizer_2"]


def test_a_token_at_the_end_is_no_unknown_word(tmp_path: Path) -> None:
    tokenizer = plain_tokenizer()
    tokenizer.unk_token = tokenizer.eos_token  # as CLIP has it
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    assert lost_in(str(tmp_path), "mira") == []


def test_pocket_reads_any_letters() -> None:
    assert lost_in(open_base("pocket").source, "Ünïmira米拉") == []
