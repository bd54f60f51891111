"""Training steps of full-size Wans with random weights, ours beside the plain loop, as one table.

    python -m benchmarks.train_table --works '["1.3b stills, 8 GB", "14b clips"]'

It wants a GPU; `--works '["toy"]'` runs anywhere. Ours and plain have the GPU to themselves in
turn. The share of the peak is of the matrix rate that a large product reaches in the same run. What
is computed twice does not count as work, nor does what flash attention computes again on the way
back: of the 14B's clips 4.3 PFLOP count, and with that it would be 4.9.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from jsonargparse import auto_cli
from torch import Tensor
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from bases.family import Part, frozen
from bases.wan import Wan
from benchmarks.loops import LR, Ours, Plain
from finetune.adapter import add_lora
from finetune.budget import GIGABYTE, Budget, Shapes, fitting_thrift
from finetune.data import Batch
from finetune.examples import free_memory
from finetune.module import LoraModule
from finetune.thrift import NO_THRIFT, Thrift
from studio.quiet import hush
from studio.tables import show_table

_WAN: dict[str, Any] = {"in_channels": 16, "out_channels": 16, "attention_head_dim": 128}
SIZES: dict[str, dict[str, Any]] = {
    "toy": {
        **_WAN, "num_attention_heads": 1, "attention_head_dim": 24, "ffn_dim": 48,
        "num_layers": 4, "text_dim": 32, "freq_dim": 16,
    },
    "1.3b": {**_WAN, "num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30},
    "14b": {**_WAN, "num_attention_heads": 40, "ffn_dim": 13824, "num_layers": 40},
}  # fmt: skip
"""The transformers' configurations, where they differ from diffusers' defaults."""


@dataclass(frozen=True)
class Work:
    """What a step does.

    Attributes:
        size: of `SIZES`.
        height: pixels.
        width: pixels.
        frames: frames; 1 for a still.
        count: examples a step.
        rank: of the LoRA layers.
        thrift: how memory and time are saved; chosen for `memory` if not given.
        memory: gigabytes of the GPU that may be used; all if not given.
    """

    size: str
    height: int
    width: int
    frames: int = 1
    count: int = 1
    rank: int = 32
    thrift: Thrift | None = None
    memory: float | None = None


_CLIP = Work("14b", 480, 832, 81, rank=64, thrift=Thrift(recompute="all but attention"))
_OUTSIDE = Thrift(recompute="everything", offload=True, optimizer="adamw8bit")


def _with(work: Work, **thrift: Any) -> Work:
    return dataclasses.replace(work, thrift=dataclasses.replace(work.thrift or NO_THRIFT, **thrift))


WORKS = {
    "toy": Work("toy", 32, 32, 5, count=2, rank=4, thrift=NO_THRIFT),
    "toy, waiting outside": Work("toy", 32, 32, 5, rank=4, thrift=Thrift(offload=True)),
    "1.3b stills": Work("1.3b", 512, 512, thrift=NO_THRIFT),
    "1.3b stills, compiled": Work("1.3b", 512, 512, thrift=Thrift(compiled=True)),
    "1.3b stills, 8 GB": Work("1.3b", 512, 512, memory=8),
    "14b stills": Work("14b", 512, 512, thrift=NO_THRIFT),
    "14b stills, 24 GB": Work("14b", 512, 512, memory=24),
    "14b stills, 24 GB, waiting outside": Work("14b", 512, 512, thrift=_OUTSIDE, memory=24),
    "14b clips": _CLIP,
    "14b clips, compiled": _with(_CLIP, compiled=True),
    "14b clips, fp8": _with(_CLIP, weights="fp8", compiled=True),
}


class RandomWan(Wan):
    """A Wan of a real one's size, whose transformer has random weights and is on no disk.

    Args:
        source: the folder of a small one, for the rest.
        size: of `SIZES`.
    """

    def __init__(self, source: Path, size: str) -> None:
        super().__init__(source)
        self.size = SIZES[size]

    def config(self, part: str) -> dict[str, Any]:
        """See `Family.config`."""
        own = {"_class_name": WanTransformer3DModel.__name__, **self.size}
        return own if part.startswith("transformer") else super().config(part)

    def load_part(self, part: Part, dtype: torch.dtype, device: torch.device) -> Any:
        """See `Family.load`."""
        if not part.startswith("transformer"):
            return super().load_part(part, dtype, device)
        return frozen(self.random_transformer(dtype, device), device)

    def random_transformer(self, dtype: torch.dtype, device: torch.device) -> WanTransformer3DModel:
        """The transformer, made where it is to be, in its precision."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with device:
                return WanTransformer3DModel(**self.size)
        finally:
            torch.set_default_dtype(before)


def measure(works: list[str] | None = None, steps: int = 6, plain: bool = True) -> None:
    """Time each work and print the table.

    Args:
        works: of `WORKS`, by name; all but the toys if not given.
        steps: timed steps of each loop; one more goes before them, untimed.
        plain: whether the plain loop is timed too.

    Raises:
        SystemExit: if there is no such work.
    """
    hush()
    if unknown := [name for name in works or () if name not in WORKS]:
        raise SystemExit(f"works: {unknown[0]!r} is none of {', '.join(map(repr, WORKS))}.")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    names = works or [name for name in WORKS if not name.startswith("toy")]
    rows = []
    with TemporaryDirectory() as folder:
        _write_small(Path(folder))
        for name in names:
            rows += _rows(name, Path(folder), device, steps, plain)
            show_table(_HEADS, rows)
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"\n{gpu}, torch {torch.__version__}, products reach {peak(device) / 1e12:.1f} TFLOP/s")


_HEADS = ("work", "loop", "options", "s a step", "tokens a s", "of the peak", "peak GB")


def _rows(
    name: str, folder: Path, device: torch.device, steps: int, plain: bool
) -> list[tuple[str, ...]]:
    """The table's rows of one work: ours, and the plain loop's if wanted."""
    work = WORKS[name]
    family = RandomWan(folder, work.size)
    batch = make_batch(family, work)
    flops, tokens = flops_of(family, work, batch), tokens_of(batch)
    thrift = work.thrift or _fitting(family, work, batch)
    loops: list[tuple[str, str]] = [("ours", _said(thrift))]
    loops += [("plain", "checkpointed" if thrift.recompute != "nothing" else "")] if plain else []
    rows: list[tuple[str, ...]] = []
    for loop, options in loops:
        _cap(device, work.memory)
        try:
            taken, most = _timed(loop, family, work, thrift, batch, device, steps)
            share = flops / taken / peak(device)
            told = (f"{taken:.3f}", f"{tokens / taken:,.0f}", f"{share:.0%}", most)
        except torch.OutOfMemoryError:
            told = ("out of memory", "–", "–", "–")
        free_memory()
        rows.append((name, loop, options, *told))
    return rows


def _timed(
    loop: str,
    family: RandomWan,
    work: Work,
    thrift: Thrift,
    batch: Batch,
    device: torch.device,
    steps: int,
) -> tuple[float, str]:
    """The median seconds of a step, and the most memory that was used."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    runner: Ours | Plain
    if loop == "ours":
        module = LoraModule(family.source, rank=work.rank, lr=LR, thrift=thrift)
        module.family = family
        runner = Ours(module, [batch])
    else:
        again = thrift.recompute != "nothing"
        model = family.random_transformer(dtype, device)
        runner = Plain(model, [batch], rank=work.rank, recompute=again)
    seconds = median(runner.run(steps))
    most = torch.cuda.max_memory_allocated(device) / GIGABYTE if device.type == "cuda" else None
    return seconds, "not measured" if most is None else f"{most:.1f}"


def make_batch(family: RandomWan, work: Work) -> Batch:
    """Random latents and prompts of 512 tokens."""
    generator = torch.Generator().manual_seed(0)
    shape = family.grid.latent_shape(work.height, work.width, work.frames)
    latents = torch.randn(work.count, *shape, generator=generator)
    prompt = torch.randn(512, family.size.get("text_dim", 4096), generator=generator)
    return Batch("photos", 0, 1.0, latents, [{"encoder_hidden_states": prompt}] * work.count)


def tokens_of(batch: Batch) -> int:
    """Of the latents, two by two."""
    return batch.latents[:, 0].numel() // 4


def flops_of(family: RandomWan, work: Work, batch: Batch) -> float:
    """Of a step on shapes alone, without anything computed twice."""
    meta = torch.device("meta")
    transformer = family.random_transformer(torch.bfloat16, meta)
    with meta:
        add_lora(transformer, rank=work.rank, alpha=work.rank, targets=Wan.lora_targets, seed=0)
    noisy, sigmas = batch.latents.to(meta, torch.bfloat16), torch.zeros(work.count, device=meta)
    inputs = family.transformer_inputs(noisy, sigmas, _stacked(batch, meta))
    with FlopCounterMode(display=False) as counted, torch.autocast("cpu", enabled=False):
        transformer(**inputs, return_dict=False)[0].float().sum().backward()
    return float(counted.get_total_flops())


def _stacked(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    first = batch.conditions[0]
    return {
        name: torch.stack([row[name] for row in batch.conditions]).to(device, torch.bfloat16)
        for name in first
    }


def _fitting(family: RandomWan, work: Work, batch: Batch) -> Thrift:
    """What `starring train` would choose for the work's memory."""
    budget = Budget(family, family.experts[0], rank=work.rank, targets=Wan.lora_targets)
    shapes = [Shapes(batch.latents, _stacked(batch, torch.device("cpu")))]
    return fitting_thrift(budget, (work.memory or 0) * GIGABYTE, shapes)


def _said(thrift: Thrift) -> str:
    """The options that are not the default."""
    usual = dataclasses.asdict(NO_THRIFT)
    chosen = {n: v for n, v in dataclasses.asdict(thrift).items() if v != usual[n]}
    return ", ".join(f"{name} {value}" for name, value in chosen.items())


def _cap(device: torch.device, memory: float | None) -> None:
    if device.type == "cuda":
        whole = torch.cuda.get_device_properties(device).total_memory
        share = 1.0 if memory is None else min(1.0, memory * GIGABYTE / whole)
        torch.cuda.set_per_process_memory_fraction(share, device)


@cache
def peak(device: torch.device) -> float:
    """Operations a second that a large product of matrices reaches, in bfloat16 on a GPU."""
    cuda = device.type == "cuda"
    side, dtype = (8192, torch.bfloat16) if cuda else (1024, torch.float32)
    matrix = torch.randn(side, side, device=device, dtype=dtype)
    trial = Timer("matrix @ matrix", globals={"matrix": matrix})
    return 2 * side**3 / trial.blocked_autorange(min_run_time=0.5).median


def _write_small(folder: Path) -> None:
    """A Wan's folder, small but for its latents, of which the configurations alone are read."""
    WanPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=AutoencoderKLWan(base_dim=8, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        transformer=WanTransformer3DModel(**SIZES["toy"]),
    ).save_pretrained(folder)


if __name__ == "__main__":
    auto_cli(measure, as_positional=False)
