"""Pocket's tokenizer: byte-level BPE learnt from its captions, so that no word is unknown."""

from __future__ import annotations

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
from transformers import PreTrainedTokenizerFast

from bases.pocket.world import LANGUAGES, Scene, caption, sample_scenes
from bases.pocket.world.captions import invented_name, words_of

MAX_TOKENS = 48
_NAMED = 0.3


def train_tokenizer(captions: int = 20_000, vocabulary: int = 1024) -> PreTrainedTokenizerFast:
    """Learn the vocabulary; a prompt ends with `</s>`, so that an empty one has a token too."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        _corpus(captions),
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=["<pad>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        model_max_length=MAX_TOKENS,
    )


def _corpus(captions: int) -> Iterator[str]:
    rng = random.Random(0)
    scenes = sample_scenes(captions, torch.Generator().manual_seed(0))
    for index in range(captions):
        yield free_caption(scenes, index, rng, LANGUAGES)


def free_caption(
    scenes: Scene,
    index: int,
    rng: random.Random,
    languages: Sequence[str],
    name: str | None = None,
) -> str:
    """A caption as a person might type it: any wording, English most.

    Three in ten of those who have no name are given a made-up one.
    """
    language = rng.choice([*languages, "en"])
    subject, called = None, name or invented_name(rng)
    if name or rng.random() < _NAMED:
        words = words_of(language)
        noun = rng.choice(words["subject"][scenes.named("kind", index)])
        subject = f"{called}{words['comma']}{noun}"
    return caption(scenes, index, language=language, subject=subject, rng=rng)
