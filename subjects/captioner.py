"""The captioner: a vision-language model on this machine that describes photos.

Any that transformers opens as "image-text-to-text" will do, such as BLIP, Florence-2, SmolVLM,
Qwen-VL, Gemma 3 or LLaVA. Nothing is downloaded, and no code of the model's folder is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from subjects.descriptions import without_looks
from subjects.errors import SubjectError

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

        self._processor, model = _opened(folder)
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


def _opened(folder: Path) -> tuple[Any, Any]:
    """The processor and the model in a folder.

    Raises:
        CaptionerError: if they are not there, or the model does not answer about pictures.
    """
    from transformers import AutoModelForImageTextToText, AutoProcessor

    if not (folder / "config.json").is_file():
        raise CaptionerError(
            f"{str(folder)!r} holds no config.json, so it is no model's folder: give one as "
            "save_pretrained or 'hf download' writes it, or leave --captioner out."
        )
    known: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        processor = AutoProcessor.from_pretrained(folder, **known)
        model = AutoModelForImageTextToText.from_pretrained(folder, dtype="auto", **known)
    except Exception as error:  # a damaged file can make the loader raise almost anything
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise CaptionerError(
            f"{str(folder)!r} cannot be opened as a model that describes pictures ({said}): give "
            "another, such as BLIP, SmolVLM or Qwen-VL, or leave --captioner out."
        ) from error
    return processor, model
