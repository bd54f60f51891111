"""Training steps of full-size bases with random weights, ours beside the plain loop, as one table.

    python -m benchmarks.train_table --works '["1.3b stills, 8 GB", "14b clips"]'

It wants a GPU; `--works '["toy"]'` runs anywhere. Ours and plain have the GPU to themselves in
turn. The share of the peak is of the matrix rate that a large product reaches in the same run. What
is computed twice does not count as work, nor does what flash attention computes again on the way
back: of the 14B's clips 4.3 PFLOP count, and with that it would be 4.9.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from jsonargparse.typing import PositiveInt
from torch import Tensor
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from bases.memory import GIGABYTE
from benchmarks.loops import LR, Ours, Plain
from benchmarks.random_bases import SIZES, RandomWeights
from benchmarks.scripts import run_script
from finetune.adapter import add_lora
from finetune.batches import Batch
from finetune.budget import Budget, Shapes, cap_memory, fitting_thrift
from finetune.examples import free_memory
from finetune.module import LoraModule
from finetune.thrift import NO_THRIFT, Thrift
from studio.quiet import hush
from studio.tables import show_table


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
_SMALL = Thrift("nf4", "factorised", "everything", optimizer="adamw8bit")
_OUTSIDE = Thrift(recompute="everything", offload=True, optimizer="adamw8bit")


def _with(work: Work, **thrift: Any) -> Work:
    return dataclasses.replace(work, thrift=dataclasses.replace(work.thrift or NO_THRIFT, **thrift))


WORKS = {
    "toy": Work("toy", 32, 32, 5, count=2, rank=4, thrift=NO_THRIFT),
    "toy, waiting outside": Work("toy", 32, 32, 5, rank=4, thrift=Thrift(offload=True)),
    "toy h3": Work("toy h3", 64, 64, rank=4, thrift=Thrift(modulation="factorised")),
    "1.3b stills": Work("1.3b", 512, 512, thrift=NO_THRIFT),
    "1.3b stills, compiled": Work("1.3b", 512, 512, thrift=Thrift(compiled=True)),
    "1.3b stills, 8 GB": Work("1.3b", 512, 512, memory=8),
    "14b stills": Work("14b", 512, 512, thrift=NO_THRIFT),
    "14b stills, 24 GB": Work("14b", 512, 512, memory=24),
    "14b stills, 24 GB, waiting outside": Work("14b", 512, 512, thrift=_OUTSIDE, memory=24),
    "h3 stills": Work("h3", 512, 512, thrift=Thrift(modulation="factorised")),
    "h3 stills, 16 GB": Work("h3", 512, 512, thrift=_SMALL, memory=16),
    "14b clips": _CLIP,
    "14b clips, compiled": _with(_CLIP, compiled=True),
    "14b clips, fp8": _with(_CLIP, weights="fp8", compiled=True),
}


def measure(works: list[str] | None = None, steps: PositiveInt = 6, plain: bool = True) -> None:
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
        for name in names:
            rows += _rows(name, Path(folder) / name, device, steps, plain)
            show_table(_HEADS, rows)
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    print(f"\n{gpu}, torch {torch.__version__}, products reach {peak(device) / 1e12:.1f} TFLOP/s")


_HEADS = ("work", "loop", "options", "s a step", "tokens a s", "of the peak", "peak GB")


def _rows(
    name: str, folder: Path, device: torch.device, steps: int, plain: bool
) -> list[tuple[str, ...]]:
    """The table's rows of one work: ours, and the plain loop's if wanted."""
    work = WORKS[name]
    family = SIZES[work.size].make(folder)
    batch = make_batch(family, work)
    flops, tokens = flops_of(family, work, batch), tokens_of(batch)
    thrift = work.thrift or _fitting(family, work, batch)
    loops: list[tuple[str, str]] = [("ours", _said(thrift))]
    loops += [("plain", "checkpointed" if thrift.recompute != "nothing" else "")] if plain else []
    rows: list[tuple[str, ...]] = []
    for loop, options in loops:
        cap_memory(device, work.memory)
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
    family: RandomWeights,
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
    guidance = SIZES[work.size].guidance
    if loop == "ours":
        module = LoraModule(rank=work.rank, lr=LR, thrift=thrift, guidance_loss=guidance)
        module.family = family
        runner = Ours(module, [batch])
    else:
        again = thrift.recompute != "nothing"
        model = family.random_transformer(dtype, device)
        runner = Plain(
            model, [batch], family=family, rank=work.rank, recompute=again, guidance=guidance
        )
    seconds = median(runner.run(steps))
    most = torch.cuda.max_memory_allocated(device) / GIGABYTE if device.type == "cuda" else None
    return seconds, "not measured" if most is None else f"{most:.1f}"


def make_batch(family: RandomWeights, work: Work) -> Batch:
    """Random latents and prompts of 512 tokens, of which one without words has one."""
    generator = torch.Generator().manual_seed(0)
    shape = family.grid.latent_shape(work.height, work.width, work.frames)
    latents = torch.randn(work.count, *shape, generator=generator)
    words = torch.randn(512, family.config("transformer")["text_dim"], generator=generator)
    prompt, none = ({"encoder_hidden_states": rows} for rows in (words, words[:1]))
    return Batch("photos", 0, 1.0, latents, [prompt] * work.count, unprompted=(none,) * work.count)


def tokens_of(batch: Batch) -> int:
    """Of the latents, two by two."""
    return batch.latents[:, 0].numel() // 4


def flops_of(family: RandomWeights, work: Work, batch: Batch) -> float:
    """Of a step on shapes alone, without anything computed twice.

    Of a base with guidance in it, what is asked without a prompt counts too.
    """
    meta = torch.device("meta")
    transformer = family.random_transformer(torch.bfloat16, meta)
    with meta:
        add_lora(transformer, rank=work.rank, alpha=work.rank, targets=family.lora_targets, seed=0)
    noisy, sigmas = batch.latents.to(meta, torch.bfloat16), torch.zeros(work.count, device=meta)
    with FlopCounterMode(display=False) as counted, torch.autocast("cpu", enabled=False):
        said = family.transformer_inputs(noisy, sigmas, _stacked(batch.conditions, meta))
        transformer(**said, return_dict=False)[0].float().sum().backward()
        if SIZES[work.size].guidance:
            plain = family.transformer_inputs(noisy, sigmas, _stacked(batch.unprompted, meta))
            with torch.no_grad():
                transformer(**plain, return_dict=False)
    return float(counted.get_total_flops())


def _stacked(conditions: Sequence[dict[str, Tensor]], device: torch.device) -> dict[str, Tensor]:
    return {
        name: torch.stack([row[name] for row in conditions]).to(device, torch.bfloat16)
        for name in conditions[0]
    }


def _fitting(family: RandomWeights, work: Work, batch: Batch) -> Thrift:
    """What `starring train` would choose for the work's memory."""
    shapes = Shapes(batch.latents, _stacked(batch.conditions, torch.device("cpu")))
    budget = Budget(
        family,
        family.experts[0],
        rank=work.rank,
        targets=family.lora_targets,
        batches=[shapes],
    )
    return fitting_thrift(budget, (work.memory or 0) * GIGABYTE)


def _said(thrift: Thrift) -> str:
    """The options that are not the default."""
    usual = dataclasses.asdict(NO_THRIFT)
    chosen = {n: v for n, v in dataclasses.asdict(thrift).items() if v != usual[n]}
    return ", ".join(f"{name} {value}" for name, value in chosen.items())


@cache
def peak(device: torch.device) -> float:
    """Operations a second that a large product of matrices reaches, in bfloat16 on a GPU."""
    cuda = device.type == "cuda"
    side, dtype = (8192, torch.bfloat16) if cuda else (1024, torch.float32)
    matrix = torch.randn(side, side, device=device, dtype=dtype)
    trial = Timer("matrix @ matrix", globals={"matrix": matrix})
    return 2 * side**3 / trial.blocked_autorange(min_run_time=0.5).median


if __name__ == "__main__":
    run_script(measure)
