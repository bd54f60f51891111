"""Spelling: whether a base's tokenizers can read a word."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoTokenizer

from bases.loading import loading


def lost_in(source: str, word: str) -> list[str]:
    """The tokenizers of a base that have no piece for some of a word's letters.

    To those every such word is the same unknown one, so that it calls nobody.

    Args:
        source: a folder in diffusers' layout.
        word: such as a trigger word.

    Returns:
        the tokenizers' folders, such as "tokenizer_2".

    Raises:
        BrokenBase: if a tokenizer cannot be read.
    """
    folders = sorted(Path(source).glob("tokenizer*/"))
    with loading(source):
        readers = {folder.name: AutoTokenizer.from_pretrained(folder) for folder in folders}
    return [
        name
        for name, reader in readers.items()
        if reader.unk_token is not None
        and reader.unk_token_id in reader(word, add_special_tokens=False)["input_ids"]
    ]
