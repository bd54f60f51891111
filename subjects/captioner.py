"""The captioner: a vision-language model on this machine that describes photos.

Any that transformers opens as "image-text-to-text" will do, such as BLIP, Florence-2, SmolVLM,
Qwen-VL, Gemma 3 or LLaVA. Nothing is downloaded, and no code of the model's folder is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from subjects.descriptions import without_looks
from subjects.errors import SubjectError
from subjects.models import OFFLINE, opened

if TYPE_CHECKING:
    from PIL.Image import Image

_QUESTION = (
    "In one short sentence without names: what is done, with what expression, where, and in what "
    "light? Do not describe the {noun}'s looks{clothes}."
)
_LONGEST = 60
"""Tokens of an answer."""


class CaptionerError(SubjectError):
    """A folder that holds no model which describes pictures."""


class Captioner:
    """Describes photos of one kind of subject.

    Args:
        folder: of a model, as `save_pretrained` writes it.
        class_noun: what the photos show.
        clothes: whether clothes may be named, so that a prompt can ask for others.

    Raises:
        CaptionerError: if there is none in the folder.
    """

    def __init__(self, folder: Path, class_noun: str, *, clothes: bool = False) -> None:
        """Load the model, onto the GPU if there is one."""
        import torch

        self._processor, model = opened(
            folder,
            _open,
            CaptionerError,
            does="describes pictures",
            such_as="BLIP, SmolVLM or Qwen-VL",
        )
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.to(device).eval()
        self._class_noun, self._clothes = class_noun, clothes

    def __call__(self, picture: Image) -> str:
        """What a picture shows beside the subject: see `without_looks`."""
        said = self._answer(picture)
        return without_looks(said, self._class_noun, clothes=self._clothes)

    def _answer(self, picture: Image) -> str:
        import torch

        inputs = self._inputs(picture).to(self._model.device)
        with torch.no_grad():
            tokens = self._model.generate(**inputs, max_new_tokens=_LONGEST, do_sample=False)
        known = inputs["input_ids"].shape[1] if "input_ids" in inputs else 0
        if not self._model.config.is_encoder_decoder:
            tokens = tokens[:, known:]
        return str(self._processor.batch_decode(tokens, skip_special_tokens=True)[0])

    def _inputs(self, picture: Image) -> Any:
        """The picture, with a question for those models that take one."""
        if not getattr(self._processor, "chat_template", None):
            return self._processor(images=picture, return_tensors="pt")
        clothes = "" if self._clothes else " or clothes"
        question = _QUESTION.format(noun=self._class_noun, clothes=clothes)
        content = [{"type": "image", "image": picture}, {"type": "text", "text": question}]
        return self._processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )


def _open(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder, **OFFLINE)
    return processor, AutoModelForImageTextToText.from_pretrained(folder, dtype="auto", **OFFLINE)
