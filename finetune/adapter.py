"""Adapters: LoRA weights in a folder that any diffusers pipeline loads."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import ModelMixin
from diffusers.loaders.lora_base import LORA_ADAPTER_METADATA_KEY
from peft import LoraConfig, get_peft_model_state_dict
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from bases.folder import REFERENCES, SECOND, TRANSFORMER
from finetune.errors import BrokenAdapter, TrainingError, WrongBase
from finetune.lean import make_lean
from finetune.tensors import write_tensors

WEIGHTS, RUN, REPORT, CARD, SAMPLES = (
    "adapter.safetensors", "run.json", "report.json", "README.md", "samples",
)  # fmt: skip
_PREFIX, _OTHER = TRANSFORMER, REFERENCES
_KNOWN = (
    ("base", "name"),
    ("base", "fingerprint"),
    ("base", "source"),
    ("subject", "name"),
    ("subject", "trigger"),
    ("subject", "noun"),
    ("photos", "digest"),
)
"""What every record says, as text."""
_OF_EXPERT = {"name": str, "part": str, "file": str, "steps": int, "tensors": int}


def weights_file(expert: str = "") -> str:
    """The file of an adapter's weights, or of one expert's where the base has several."""
    return f"adapter_{expert}.safetensors" if expert else WEIGHTS


def add_lora(transformer: ModelMixin, *, rank: int, alpha: float, targets: str, seed: int) -> None:
    """Add fresh LoRA layers to a frozen transformer; only they will learn.

    Args:
        transformer: a diffusers transformer.
        rank: inner size of the layers.
        alpha: the layers' output is scaled by alpha / rank.
        targets: a regular expression over the names of its linear layers.
        seed: of the layers' first weights.

    Raises:
        TrainingError: if there are no such layers.
    """
    check_targets(transformer, targets)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # PEFT says that it could not merge into weights of few bits, which is never done.
        warnings.filterwarnings("ignore", "TorchaoLoraLinear was instantiated")
        torch.manual_seed(seed)
        transformer.requires_grad_(False)
        transformer.add_adapter(
            LoraConfig(
                r=rank, lora_alpha=alpha, target_modules=targets, init_lora_weights="gaussian"
            )
        )
    make_lean(transformer)
    if HELPER in transformer.peft_config:
        _activate(transformer, list(transformer.peft_config))
    for weight in transformer.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def check_pattern(targets: str) -> None:
    """Make sure that what should match layers is a regular expression.

    Raises:
        TrainingError: if not.
    """
    try:
        re.compile(targets)
    except re.error as error:
        raise TrainingError(
            f"model.targets={targets!r} is no regular expression ({error}): give another, or none "
            "for the base's own."
        ) from error


def check_targets(transformer: ModelMixin, targets: str) -> None:
    """Make sure that a pattern matches layers that can be adapted, and no others.

    Raises:
        TrainingError: if not.
    """
    check_pattern(targets)
    layers = dict(transformer.named_modules())
    chosen = [name for name in layers if re.fullmatch(targets, name)]
    if not chosen:
        raise TrainingError(
            f"model.targets={targets!r} matches none of the base's layers, which have names such "
            f"as {list(layers)[-1]!r} and are matched as a whole: give another, or none for the "
            "base's own."
        )
    for name in chosen:
        if not isinstance(_without_adapters(layers[name]), nn.Linear):
            raise TrainingError(
                f"model.targets={targets!r} matches {name!r}, which is no linear layer but a "
                f"{type(layers[name]).__name__}: give one that matches linear layers alone, or "
                "none for the base's own."
            )


def _without_adapters(layer: nn.Module) -> nn.Module:
    return layer.get_base_layer() if isinstance(layer, BaseTunerLayer) else layer


HELPER = "helper"
"""The slot of an adapter that helps in training and is left out in rendering."""


@contextmanager
def without_help(transformer: Any) -> Iterator[None]:
    """Leave the adapter that helps in training out for a while, where there is one."""
    slots = list(transformer.peft_config)
    if HELPER not in slots:
        yield
        return
    transformer.set_adapters([slot for slot in slots if slot != HELPER])
    try:
        yield
    finally:
        _activate(transformer, slots)


@contextmanager
def at_strength(transformer: Any, strength: float) -> Iterator[None]:
    """Let the adapter that learns count for this share of what it is, for a while."""
    layers = [layer for layer in transformer.modules() if hasattr(layer, "lora_A")]
    known = [dict(layer.scaling) for layer in layers]
    for layer in layers:
        layer.scaling = {slot: strength * scale for slot, scale in layer.scaling.items()}
    try:
        yield
    finally:
        for layer, scaling in zip(layers, known, strict=True):
            layer.scaling = scaling


@contextmanager
def base_alone(transformer: Any) -> Iterator[None]:
    """Leave out the adapter that learns for a while; one that helps in training stays."""
    slots = list(transformer.peft_config)
    if HELPER in slots:
        transformer.set_adapters([HELPER])
    else:
        transformer.disable_adapters()
    try:
        yield
    finally:
        if HELPER in slots:
            _activate(transformer, slots)
        else:
            transformer.enable_adapters()


def _activate(transformer: Any, slots: list[str]) -> None:
    """Let several adapters count, of which those that help stay frozen."""
    transformer.set_adapters(slots)
    for name, weight in transformer.named_parameters():
        if f".{HELPER}." in name:
            weight.requires_grad_(False)


def load_lora(
    transformer: Any, path: Path, slot: str, prefix: str = _PREFIX, pipe: Any = None
) -> None:
    """Put an adapter's file into a transformer, frozen and active.

    Args:
        transformer: a diffusers transformer.
        path: a file as `write_weights` makes it.
        slot: the name by which the layers are told from those of other adapters.
        prefix: of the transformer's own adapters; the plain one will always do.
        pipe: that the transformer is part of, whose weights may wait outside the GPU.

    Raises:
        BrokenAdapter: if it is missing, cannot be read or does not fit the transformer.
    """
    if not path.is_file():
        raise BrokenAdapter(f"There is no file {str(path)!r} to load as an adapter: give another.")
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.offset_keys())
        prefix = _prefix_of(names, prefix)
        transformer.load_lora_adapter(path, adapter_name=slot, prefix=prefix, _pipeline=pipe)
        _check_matched(transformer, {name.removeprefix(f"{prefix}.") for name in names}, slot)
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        said = " ".join(str(error).split())[:160].rstrip(".")
        raise BrokenAdapter(
            f"The adapter {str(path)!r} does not fit the base ({said}): give another, or train it "
            "again."
        ) from error
    for name, weight in transformer.named_parameters():
        if f".{slot}." in name:
            weight.requires_grad_(False)


def _prefix_of(names: list[str], own: str) -> str:
    """What stands before the names of a file's tensors.

    Raises:
        ValueError: if it is that of another transformer, or there is nothing.
    """
    if not names:
        raise ValueError("it holds no weights")
    found = names[0].partition(".")[0]
    if found == _OTHER != own:
        raise ValueError(f"it is for the transformer {found!r}, not for {own!r}")
    return own if found == own else _PREFIX


def _check_matched(transformer: Any, wanted: set[str], slot: str) -> None:
    """Make sure that every tensor of an adapter's file is in its place.

    Raises:
        ValueError: if not; a loader passes over names that it does not know.
    """
    there = set()
    if slot in getattr(transformer, "peft_config", {}):
        there = set(get_peft_model_state_dict(transformer, adapter_name=slot))
    if lost := wanted - there:
        raise ValueError(f"{len(lost)} of {len(wanted)} tensors match no layer, as {min(lost)!r}")


def lora_weights(transformer: ModelMixin, strength: float = 1.0) -> dict[str, Tensor]:
    """The adapter in diffusers' names, alpha folded in, so that alpha = rank from here on.

    Args:
        transformer: with LoRA layers.
        strength: share of the change that they make.
    """
    config = transformer.peft_config["default"]
    scale = strength * config.lora_alpha / config.r
    return {
        name: (weight * scale if ".lora_B." in name else weight).detach().cpu().contiguous()
        for name, weight in get_peft_model_state_dict(transformer).items()
    }


def change(weights: dict[str, Tensor]) -> float:
    """How large the change is that an adapter makes: the norm of all its products B A."""
    total = 0.0
    for name, down in weights.items():
        if ".lora_A." in name:
            up = weights[name.replace(".lora_A.", ".lora_B.")]
            total += (up.float() @ down.float()).square().sum().item()
    return total**0.5


@dataclass(frozen=True)
class Adapter:
    """A trained adapter, in its folder."""

    folder: Path

    @property
    def run(self) -> dict[str, Any]:
        """How it was trained: of what, on which base, and each expert in turn.

        Raises:
            BrokenAdapter: if that cannot be read.
        """
        path = self.folder / RUN
        try:
            record = dict(json.loads(path.read_text()))
            for part, key in _KNOWN:
                if not isinstance(record[part][key], str):
                    raise TypeError(f"{part}.{key} is no text")
            if not record["experts"]:
                raise ValueError("it names no experts")
            for expert in record["experts"]:
                for key, kind in _OF_EXPERT.items():
                    if not isinstance(expert[key], kind):
                        raise TypeError(f"an expert's {key} is {expert[key]!r:.40}")
                if expert["part"] not in (TRANSFORMER, SECOND, REFERENCES) or "/" in expert["file"]:
                    raise ValueError(f"{expert['part']} in {expert['file']} is no expert")
            return record
        except (OSError, TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
            raise BrokenAdapter(
                f"{str(path)!r} cannot be read ({error}). An adapter is a folder with "
                f"{WEIGHTS} and {RUN}: train it again, or copy the whole folder."
            ) from error

    @property
    def files(self) -> dict[str, Path]:
        """The file of weights for each of the pipeline's transformers, by the pipeline's name."""
        return {expert["part"]: self.folder / expert["file"] for expert in self.run["experts"]}

    def check(self, base_print: str, base_name: str) -> None:
        """Make sure that the weights were trained on this base, and can be read.

        Raises:
            WrongBase: if they were not.
            BrokenAdapter: if they cannot.
        """
        trained_on = self.run["base"]
        if trained_on["fingerprint"] != base_print:
            raise WrongBase(
                f"The adapter {str(self.folder)!r} was trained on base "
                f"{trained_on['name']!r} ({trained_on['fingerprint']}), not on "
                f"{base_name!r} ({base_print}): give that base with --base, or train the subject "
                f"on {base_name!r}."
            )
        self.check_weights()

    def check_weights(self) -> None:
        """Make sure that every file of weights is there and holds numbers.

        Raises:
            BrokenAdapter: if not.
        """
        for path in self.files.values():
            _check_weights(path)


def _check_weights(path: Path) -> None:
    try:
        with safe_open(path, framework="pt") as file:
            finite = [bool(file.get_tensor(n).isfinite().all()) for n in file.offset_keys()]
    except (OSError, SafetensorError) as error:
        raise BrokenAdapter(
            f"{str(path)!r} cannot be read ({error}): train the subject again."
        ) from error
    if not finite or not all(finite):
        flaw = "weights that are no numbers" if finite else "no weights"
        raise BrokenAdapter(f"{str(path)!r} holds {flaw}: train the subject again.")


def write_weights(
    path: Path, transformer: ModelMixin, prefix: str = _PREFIX, strength: float = 1.0
) -> dict[str, Tensor]:
    """Write an adapter's file as diffusers' own loader wants it; returns what was written."""
    weights = lora_weights(transformer, strength)
    config = transformer.peft_config["default"]
    said = {"r": config.r, "lora_alpha": config.r, "target_modules": config.target_modules}
    record = {f"{prefix}.{key}": value for key, value in said.items()}
    write_tensors(
        path,
        {f"{prefix}.{name}": weight for name, weight in weights.items()},
        {"format": "pt", LORA_ADAPTER_METADATA_KEY: json.dumps(record, sort_keys=True)},
    )
    return weights
