"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from studio.printing import printable

# A name that is broken could not be typed, nor a short word be read; what is longer is folded.
_LONG_NAME, _LONG_WORD = 24, 6


def show_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a header, each cell as it stands."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    rows = list(rows)
    for index, name in enumerate(header):
        longest = max(len(cell) for cell in (name, *(row[index] for row in rows)))
        whole = longest <= (_LONG_NAME if index == 0 else _LONG_WORD)
        table.add_column(name, overflow="fold", no_wrap=whole)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)
