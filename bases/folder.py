"""A base in a folder in diffusers' layout: whether all of it is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from diffusers import DiffusionPipeline
from safetensors import SafetensorError, safe_open

from bases.errors import BrokenBase

INDEX, MODULAR_INDEX = "model_index.json", "modular_model_index.json"
_SETTINGS = {
    "scheduler": "scheduler_config.json",
    "audio_scheduler": "scheduler_config.json",
    "guider": "guider_config.json",
}
TRANSFORMER, SECOND, REFERENCES = "transformer", "transformer_2", "transformer_ref"
"""The transformer for prompts alone, that for little noise where there are two, and that for
prompts that come with pictures."""

_USELESS_FOR = {TRANSFORMER: ("processor", REFERENCES), REFERENCES: (TRANSFORMER,)}
"""Parts that a pipeline has for another task than that of a transformer."""

_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_VOCABULARIES = ("tokenizer.json", "spiece.model", "vocab.json")
_NEEDS_NO_VOCABULARY = ("ByT5Tokenizer",)


def read_index(source: str) -> dict[str, Any]:
    """The pipeline's own configuration: which parts it has, and its switches.

    Raises:
        BrokenBase: if it cannot be understood.
    """
    index = _index(Path(source))
    modular = index.name == MODULAR_INDEX
    said = json.loads(index.read_text()) if modular else DiffusionPipeline.load_config(source)
    if not isinstance(said, dict):
        raise BrokenBase(f"{INDEX} of the base {source!r} says {said!r}: download the base again.")
    return said


def _index(folder: Path) -> Path:
    """The file that says which parts there are; what is modular alone has one of another name."""
    plain, modular = folder / INDEX, folder / MODULAR_INDEX
    return modular if modular.is_file() and not plain.is_file() else plain


def part_in(folder: Path) -> str:
    """The transformer in a folder that has one for each task: that for prompts alone, if it can."""
    only = (folder / REFERENCES).is_dir() and not (folder / TRANSFORMER).is_dir()
    return REFERENCES if only else TRANSFORMER


def useless_for(part: str) -> tuple[str, ...]:
    """The other transformers of a base that has one for each task."""
    return tuple(name for name in _USELESS_FOR.get(part, ()) if name.startswith(TRANSFORMER))


def check_folder(source: str, pipeline: type[Any], part: str = TRANSFORMER) -> None:
    """Say which parts of a local base are missing; a hub name passes.

    Args:
        source: a folder, or a name on the hub.
        pipeline: which it should be made for.
        part: the transformer that is wanted, where there is one for each task.

    Raises:
        BrokenBase: if it is a folder, and not such a pipeline as a whole.
    """
    folder = Path(source)
    if not folder.is_dir():
        return
    index = _index(folder)
    if not index.is_file():
        raise BrokenBase(
            f"The base in {source!r} lacks {INDEX}. A base in diffusers' layout has {INDEX} and a "
            "folder for each part that it names: copy or download it again."
        )
    said = json.loads(index.read_text())
    name = said.get("_class_name") if isinstance(said, dict) else said
    if name != pipeline.__name__:
        raise BrokenBase(
            f"The base in {source!r} is made for {name!r}, not for {pipeline.__name__}."
        )
    lost = missing_files(folder, part)
    if lost:
        raise BrokenBase(
            f"The base in {source!r} lacks {', '.join(lost)}: copy or download it again."
        )


def missing_files(folder: Path, wanted: str = TRANSFORMER) -> list[str]:
    """What a pipeline's folder needs and lacks, or has cut short, by its own index.

    Args:
        folder: the base's.
        wanted: the transformer, where there is one for each task.
    """
    index = _index(folder)
    if not index.is_file():
        return [INDEX]
    parts = parts_of(folder)
    if wanted not in parts:
        return [f"{wanted} in {index.name}"]
    return [
        file
        for part, kind in parts.items()
        if part not in _USELESS_FOR.get(wanted, ())
        for file in lost_of(folder, part, kind)
    ]


def parts_of(folder: Path) -> dict[str, str]:
    """The parts that a pipeline's index names, each with its class; none if it cannot be read."""
    try:
        said = json.loads(_index(folder).read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {part: kind[1] for part, kind in said.items() if isinstance(kind, list) and kind[0]}


def lost_of(folder: Path, part: str, kind: str) -> list[str]:
    """What a part of a base, of this class, needs and does not have."""
    if not (folder / part).is_dir():
        return [part]
    if part.startswith("tokenizer"):
        lost = _lost(folder, part, "tokenizer_config.json")
        words = [folder / part / name for name in _VOCABULARIES]
        if kind not in _NEEDS_NO_VOCABULARY and not any(path.is_file() for path in words):
            lost.append(f"{part}/{_VOCABULARIES[0]}")
        return lost
    if part == "processor":
        there = any((folder / part / name).is_file() for name in _PROCESSORS)
        return [] if there else [f"{part}/{_PROCESSORS[0]}"]
    if part in _SETTINGS:
        return _lost(folder, part, _SETTINGS[part])
    return _lost(folder, part, "config.json") + _lost_weights(folder, part)


def _lost(folder: Path, part: str, name: str) -> list[str]:
    return [] if (folder / part / name).is_file() else [f"{part}/{name}"]


def _lost_weights(folder: Path, part: str) -> list[str]:
    """The files of a part's weights that are missing or cut short."""
    files = {path.name for path in (folder / part).glob("*.safetensors")}
    for index in (folder / part).glob("*.safetensors.index.json"):
        try:
            files |= set(json.loads(index.read_text())["weight_map"].values())
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return [f"{part}/{index.name}"]
    names = [f"{part}/{name}" for name in sorted(files or {"*.safetensors"})]
    return [name for name in names if not _is_whole(folder / name)]


def _is_whole(path: Path) -> bool:
    try:
        with safe_open(path, framework="pt"):
            return True
    except (OSError, SafetensorError):
        return False
