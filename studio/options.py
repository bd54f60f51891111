"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from studio.values import path_of, whole

Home = Annotated[
    Optional[Path],
    typer.Option(
        parser=path_of,
        metavar="FOLDER",
        help="Where subjects and adapters live; STARRING_HOME, or the data folder.",
    ),
]
Faces = Annotated[
    Optional[str],
    typer.Option(help="Face package, by folder or name; what the subject was added with."),
]
Ground = Annotated[
    Optional[str],
    typer.Option(
        "--consent", help="self, authorised or synthetic; asked for on a terminal if not given."
    ),
]
Purpose = Annotated[
    Optional[str],
    typer.Option(help="What the likeness may be used for; videos of the subject if not given."),
]
Until = Annotated[
    Optional[str],
    typer.Option(metavar="DAY", help="The last day of the consent, as in 2030-12-31."),
]
Seed = Annotated[
    int,
    typer.Option(
        parser=whole(0, 2**63 - 1),
        metavar="NUMBER",
        help="Another seed gives another clip; 0 to 2**63 - 1.",
    ),
]
