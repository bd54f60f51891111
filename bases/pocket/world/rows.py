"""A row of things, held as one tensor a property."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Self

import torch
from torch import Tensor


class Rows:
    """Base of dataclasses whose fields are tensors, or rows again, all of one length B."""

    def __len__(self) -> int:
        return len(next(iter(self._columns().values())))

    def __getitem__(self, index: Tensor | slice | list[int]) -> Self:
        return type(self)(**{name: column[index] for name, column in self._columns().items()})

    def and_rows(self, other: Self) -> Self:
        """These rows, and the other's after them."""
        theirs = other._columns()
        return type(self)(
            **{
                name: column.and_rows(theirs[name])
                if isinstance(column, Rows)
                else torch.cat((column, theirs[name]))
                for name, column in self._columns().items()
            }
        )

    def mixed(self, other: Self, generator: torch.Generator, *, keep: float) -> Self:
        """Each row with each of its entries kept, with probability `keep`, or else the other's."""
        theirs = other._columns()

        def one_of(own: Any, name: str) -> Any:
            if isinstance(own, Rows):
                return own.mixed(theirs[name], generator, keep=keep)
            kept = torch.rand(len(own), generator=generator) < keep
            return torch.where(kept.view(-1, *[1] * (own.ndim - 1)), own, theirs[name])

        return type(self)(**{name: one_of(own, name) for name, own in self._columns().items()})

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""
        return type(self)(**{name: column.to(device) for name, column in self._columns().items()})

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        first: Tensor | Rows = next(iter(self._columns().values()))
        return first.device

    def _columns(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
