"""A row of things, held as one tensor a property."""

from __future__ import annotations

from dataclasses import fields
from typing import Self

import torch
from torch import Tensor


class Rows:
    """Base of dataclasses whose fields are tensors, or rows again, all of one length B."""

    def __len__(self) -> int:
        return len(next(iter(self._columns().values())))

    def __getitem__(self, index: Tensor | slice | list[int]) -> Self:
        return type(self)(**{name: column[index] for name, column in self._columns().items()})

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""
        return type(self)(**{name: column.to(device) for name, column in self._columns().items()})

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        first: Tensor | Rows = next(iter(self._columns().values()))
        return first.device

    def _columns(self) -> dict[str, Tensor | Rows]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
