"""Pocket's tokenizer: byte-level BPE learnt from its captions, so that no word is unknown."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from bases.errors import BaseModelError
from bases.pocket.world import LANGUAGES, Scene, caption, sample_scenes
from bases.pocket.world.captions import called, invented_name

MAX_TOKENS = 48
_NAMED = 0.3


def train_tokenizer(captions: int = 20_000, vocabulary: int = 2048) -> PreTrainedTokenizerFast:
    """Learn the vocabulary; a prompt ends with `</s>`, so that an empty one has a token too."""
    tokenizer = _learnt(_corpus(captions, [*LANGUAGES, "en"]), vocabulary)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return _ready(tokenizer)


def with_languages(
    known: PreTrainedTokenizerBase,
    languages: Sequence[str],
    captions: int = 20_000,
    vocabulary: int = 1536,
) -> PreTrainedTokenizerFast:
    """The same tokenizer with more tokens, so that it reads more languages in few.

    What it joined it still joins first, and its tokens keep their numbers, to be a text encoder's
    that has learnt them; what is joined in the captions of those languages comes after that.

    Args:
        known: a tokenizer by `train_tokenizer`.
        languages: of the captions that the new tokens are learnt from.
        captions: how many.
        vocabulary: tokens that are learnt from them; those that it has already are among them.

    Raises:
        BaseModelError: if it is no byte-pair encoding, as that of Wan's own text encoder is not.
    """
    said = json.loads(known.backend_tokenizer.to_str())
    if said["model"]["type"] != "BPE":
        raise BaseModelError(
            f"The tokenizer is a {said['model']['type']!r}, and only a 'BPE' can be given more "
            "tokens: give a base whose tokenizer Pocket's scripts trained."
        )
    more = json.loads(_learnt(_corpus(captions, languages), vocabulary).to_str())
    tokens, joined = (said["model"][part] for part in ("vocab", "merges"))
    for two in more["model"]["merges"]:
        if two not in joined:
            joined.append(two)
            tokens.setdefault("".join(two), len(tokens))
    return _ready(Tokenizer.from_str(json.dumps(said)))


def _learnt(corpus: Iterator[str], vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        corpus,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=["<pad>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return tokenizer


def _ready(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        model_max_length=MAX_TOKENS,
    )


def _corpus(captions: int, languages: Sequence[str]) -> Iterator[str]:
    rng = random.Random(0)
    scenes = sample_scenes(captions, torch.Generator().manual_seed(0))
    for index in range(captions):
        yield free_caption(scenes, index, rng, languages)


def free_caption(
    scenes: Scene,
    index: int,
    rng: random.Random,
    languages: Sequence[str],
    name: str | None = None,
) -> str:
    """A caption as a person might type it: any wording, in one of the languages.

    Three in ten of those who have no name are given a made-up one.
    """
    language = rng.choice(languages)
    subject, name = None, name or (invented_name(rng) if rng.random() < _NAMED else None)
    if name:
        subject = called(name, scenes, index, language=language, rng=rng)
    return caption(scenes, index, language=language, subject=subject, rng=rng)
