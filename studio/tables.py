"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from studio.printing import printable


def show_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a header, each cell as it stands."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")  # a name cut short could not be typed
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)
