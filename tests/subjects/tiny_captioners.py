"""Vision-language models with random weights, small enough to be made in a test."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import (
    BlipConfig,
    BlipForConditionalGeneration,
    BlipProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

WORDS = ("smiling", "walking", "outside", "sunset", "harbour", "rain")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[BOS]", "[EOS]", "<image>")
_SIDE = 32


def blip(folder: Path) -> Path:
    """A model that describes a picture without being asked."""
    torch.manual_seed(0)
    tokens = dict(bos_token_id=4, eos_token_id=5, pad_token_id=0, sep_token_id=3)
    model = BlipForConditionalGeneration(
        BlipConfig(
            text_config=dict(
                vocab_size=len(WORDS) + len(_SPECIAL), hidden_size=16, encoder_hidden_size=16,
                intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                projection_dim=16, **tokens,
            ),
            vision_config=dict(
                hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                image_size=_SIDE, patch_size=16, projection_dim=16,
            ),
        )
    )  # fmt: skip
    pictures = BlipImageProcessorPil(size={"height": _SIDE, "width": _SIDE})
    model.save_pretrained(folder)
    BlipProcessor(pictures, _tokenizer()).save_pretrained(folder)
    return folder


def llava(folder: Path) -> Path:
    """A model that answers a question about a picture."""
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(
        LlavaConfig(
            text_config=LlamaConfig(
                vocab_size=len(WORDS) + len(_SPECIAL), hidden_size=16, intermediate_size=16,
                num_hidden_layers=1, num_attention_heads=2, bos_token_id=4, eos_token_id=5,
                pad_token_id=0,
            ),
            vision_config=CLIPVisionConfig(
                hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
                image_size=_SIDE, patch_size=16, projection_dim=16,
            ),
            image_token_id=_SPECIAL.index("<image>"),
        )
    )  # fmt: skip
    side = {"height": _SIDE, "width": _SIDE}
    pictures = CLIPImageProcessorPil(size={"shortest_edge": _SIDE}, crop_size=side)
    template = (
        "{% for m in messages %}{% for c in m.content %}"
        "{% if c.type == 'image' %}<image> {% else %}{{ c.text }}{% endif %}"
        "{% endfor %}{% endfor %}"
    )
    model.save_pretrained(folder)
    LlavaProcessor(
        pictures,
        _tokenizer(),
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    ).save_pretrained(folder)
    return folder


def _tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {word: index for index, word in enumerate((*_SPECIAL, *WORDS))}
    words = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        bos_token="[BOS]",
        eos_token="[EOS]",
        additional_special_tokens=["<image>"],
    )
