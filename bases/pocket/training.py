"""What Pocket's training scripts share: resuming, the loss curve, the schedule, the device."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel
from torch.utils.benchmark import Timer
from tqdm import tqdm

from bases.errors import BaseModelError
from bases.files import whole_file
from bases.pocket.crew import agreed, crew_rank, crew_size, processes

CPU = torch.device("cpu")
_Tensors = tuple[Tensor, ...] | list[Tensor]


class Stateful(Protocol):
    """Anything with a state that can be saved and restored."""

    def state_dict(self) -> dict[str, Any]:
        """The state."""
        ...

    def load_state_dict(self, state: Any) -> Any:
        """Restore a state."""
        ...


class Run:
    """One training run in a folder: where it stands, what it measured.

    Args:
        folder: receives `state.pt`, `curve.csv` and `curve.png`.
        steps: how many steps the run has in all.
        parts: everything whose state must survive a stop.
        save_seconds: between two saved states.
        minutes: that it may take in all, whatever it has been stopped in between; as long as its
            steps take if not given.

    Raises:
        BaseModelError: if it has no step or no time, what stands in the folder is of another
            training, or several processes have not met that would write there.
    """

    def __init__(
        self,
        folder: Path,
        *,
        steps: int,
        parts: dict[str, Stateful],
        save_seconds: float = 120,
        minutes: float | None = None,
    ) -> None:
        if steps < 1 or (minutes is not None and minutes <= 0):
            raise BaseModelError(f"{steps} steps in {minutes} minutes: give more than 0 of each.")
        if processes() != crew_size():
            raise BaseModelError(
                f"{processes()} processes were started, and this training is one process's alone: "
                "start it with 'python -m' instead of torchrun."
            )
        self.folder, self.steps, self.parts, self.save_seconds = folder, steps, parts, save_seconds
        self.minutes, self.spent, self.has_saved = minutes, 0.0, False
        folder.mkdir(parents=True, exist_ok=True)
        self.start = self.step = self._restore()

    def __iter__(self) -> Iterator[int]:
        """The steps still to do, with a progress bar; the state is saved on the way."""
        begun, saved = time.monotonic() - self.spent, self.spent
        with tqdm(initial=self.start, total=self.steps, disable=crew_rank() > 0) as bar:
            while self.progress < 1:
                yield self.step
                self.step += 1
                bar.update()
                self.spent = agreed(time.monotonic() - begun)
                self.has_saved = self.spent - saved >= self.save_seconds or self.progress == 1
                if self.has_saved:
                    self._save(self.step)
                    saved = self.spent

    @property
    def progress(self) -> float:
        """From 0 to 1, by the steps or by the time, whichever is further."""
        by_time = 0.0 if self.minutes is None else self.spent / 60 / self.minutes
        return min(1.0, max(self.step / self.steps, by_time))

    def rate(self, peak: float) -> float:
        """The learning rate now; see `rate_at`."""
        return rate_at(self.step, self.progress, peak)

    def log(self, step: int, **values: float | Tensor) -> None:
        """Append one row to the curve, as the first process sees it."""
        if crew_rank() > 0:
            return
        path = self.folder / "curve.csv"
        row = {"step": str(step)} | {name: f"{float(v):.5g}" for name, v in values.items()}
        names = list(row)
        if path.exists():
            with path.open() as file:
                names = next(csv.reader(file))
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, names, restval="nan", extrasaction="ignore")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)

    def plot(self) -> None:
        """Draw the curve."""
        from matplotlib.figure import Figure

        path = self.folder / "curve.csv"
        if not path.exists():
            return
        with path.open() as file:
            header, *rows = list(csv.reader(file))
        figure = Figure(figsize=(7, 4))
        axes = figure.subplots()
        for column, name in enumerate(header[1:], start=1):
            axes.plot([float(r[0]) for r in rows], [float(r[column]) for r in rows], label=name)
        axes.set(xlabel="step", yscale="log")
        axes.legend()
        figure.savefig(self.folder / "curve.png", dpi=110)

    def _restore(self) -> int:
        path = self.folder / "state.pt"
        if not path.exists():
            return 0
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            for name, part in self.parts.items():
                part.load_state_dict(state[name])
            self.spent = float(state.get("spent", 0.0))
            return int(state["step"])
        except (LookupError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
            said = " ".join(str(error).split())[:200]
            raise BaseModelError(
                f"{str(path)!r} is of another training, or cut short ({type(error).__name__}: "
                f"{said}): give another --out, or delete it to begin anew."
            ) from error

    def _save(self, step: int) -> None:
        if crew_rank() > 0:
            return
        state = {name: part.state_dict() for name, part in self.parts.items()}
        with whole_file(self.folder / "state.pt") as partial:
            torch.save({"step": step, "spent": self.spent, **state}, partial)


def best_device() -> torch.device:
    """This process's GPU if there is one, told to be quick rather than exact."""
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@cache
def matrix_dtype(device: torch.device) -> torch.dtype:
    """The faster of bfloat16 and float32: on a GPU the first, on a CPU what a trial shows.

    Some processors that have instructions for bfloat16 multiply matrices in it at half the speed.
    """
    if device.type == "cuda":
        return torch.bfloat16
    return min((torch.float32, torch.bfloat16), key=_multiplying_time)


def _multiplying_time(dtype: torch.dtype) -> float:
    """Median seconds of a product of two square matrices, on a CPU."""
    trial = Timer("matrix @ matrix", globals={"matrix": torch.ones(512, 512, dtype=dtype)})
    return trial.blocked_autorange(min_run_time=0.1).median


def autocast(device: torch.device) -> torch.autocast:
    """Compute in `matrix_dtype`."""
    dtype = matrix_dtype(device)
    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)


def attention(device: torch.device) -> AbstractContextManager[None]:
    """The fastest attention to train with: on a CPU and such short clips, the plain formula."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def rate_at(step: int, progress: float, peak: float, warmup: int = 100) -> float:
    """A rate that rises for `warmup` steps, stays, and falls to zero over the last third."""
    fall = 1.0 if progress < 0.66 else 0.5 + 0.5 * math.cos(math.pi * (progress - 0.66) / 0.34)
    return peak * min(1.0, (step + 1) / warmup) * max(fall, 0.01)


def take_over(model: nn.Module, known: nn.Module) -> None:
    """Take over the weights of another model, except those of another size."""
    own, weights = model.state_dict(), known.state_dict()
    fitting = {n: w for n, w in weights.items() if n in own and own[n].shape == w.shape}
    print(f"Took over {len(fitting)} of {len(own)} tensors.")
    model.load_state_dict(own | fitting)


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of a model's weights, over fewer steps while it is young."""

    @torch.no_grad()
    def mix(averages: _Tensors, weights: _Tensors, _: Tensor | int) -> None:
        steps = float(average.n_averaged)  # not the argument, which a GPU would have to be asked
        torch._foreach_lerp_(averages, weights, 1 - min(decay, (1 + steps) / (10 + steps)))

    average = AveragedModel(model, multi_avg_fn=mix, use_buffers=False)
    return average


def descend(optimizers: dict[str, Optimizer], rate: float) -> None:
    """One step of every optimiser at this rate, after which the gradients are gone."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad()
