"""Bases on the Hugging Face hub: downloaded once, and the same revision from then on.

Only what the pipeline's own index names is fetched, and of that configurations, vocabularies and
safetensors: nothing that could run, and no weights that stand beside the pipeline for other
programs or are the same ones in another precision.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from bases.catalogue import Base, find_base
from bases.errors import BrokenBase, UnknownBase
from bases.folder import INDEX, MODULAR_INDEX, missing_files, parts_of, useless_for
from bases.licence import require_answer

_WANTED = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
_VARIANTS = ("*.fp16*", "*.bf16*", "*.fp32*")
_UNNAMED = ("processor",)
"""Parts that a pipeline may need though its index does not name them."""


def open_base(name: str) -> Base:
    """The base of that name with its files on this machine, downloaded if they are not.

    What is here is used as it is, without asking the hub for news.

    Args:
        name: a name from the catalogue or a folder; NAME@REVISION asks for a certain revision.

    Returns:
        the base; its source is a folder, and of one from the hub the revision is known.

    Raises:
        UnknownBase: if the name is neither known nor a folder, or a folder's revision is asked for.
        LicenceUnanswered: if its licence asks something that nobody has answered.
        BrokenBase: if it cannot be downloaded; what was, is kept for the next try.
    """
    plain, revision = split_revision(name)
    base = find_base(plain)
    require_answer(base.question)
    if Path(base.source).is_dir():
        if revision:
            raise UnknownBase(
                f"The base {plain!r} comes as a folder, of which there is one revision alone: "
                f"leave out '@{revision}'."
            )
        return base
    folder = _kept(base, revision) or _download(base, revision)
    return replace(base, source=str(folder), origin=base.source, revision=folder.name)


def is_here(base: Base) -> bool:
    """Whether all of a base is on this machine."""
    return Path(base.source).is_dir() or _kept(base, "") is not None


def split_revision(name: str) -> tuple[str, str]:
    """What `--base` takes as a name and a revision, which is empty if none is asked for."""
    plain, _, revision = (name, "", "") if Path(name).is_dir() else name.partition("@")
    return plain, revision


def _kept(base: Base, revision: str) -> Path | None:
    """The folder of a revision that is here as a whole."""
    try:
        folder = _snapshot(base, revision, local_files_only=True)
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return None if missing_files(folder, base.part) else folder


def _snapshot(base: Base, revision: str, *, local_files_only: bool = False) -> Path:
    """The folder of a revision: its index first, and then what that names."""
    get = partial(snapshot_download, base.source, local_files_only=local_files_only)
    indexes = [INDEX, MODULAR_INDEX]
    folder = Path(get(revision=revision or None, allow_patterns=indexes))
    parts = {*parts_of(folder), *_UNNAMED} - {*useless_for(base.part)}
    wanted = [f"{part}/{kind}" for part in sorted(parts) for kind in _WANTED]
    return Path(
        get(
            revision=folder.name,
            allow_patterns=[*indexes, *wanted],
            ignore_patterns=[*_VARIANTS],
        )
    )


def _download(base: Base, revision: str) -> Path:
    repo = base.source
    try:
        return _snapshot(base, revision)
    except RevisionNotFoundError as error:
        raise BrokenBase(
            f"The base {repo!r} has no revision {revision!r}: give another after '@', or none for "
            "the newest."
        ) from error
    except GatedRepoError as error:
        raise BrokenBase(
            f"The base {repo!r} is handed out to those alone who accept its terms: accept them on "
            "its page on the hub, log in with 'hf auth login', and try again."
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise BrokenBase(
            f"There is no base {repo!r} on the hub: give another name, or a folder."
        ) from error
    except (LocalEntryNotFoundError, HfHubHTTPError, ConnectionError, TimeoutError) as error:
        raise BrokenBase(
            f"The base {repo!r} is not on this machine as a whole, and the hub cannot be reached "
            "or refuses: connect to the network and try again, which goes on with what is here "
            "already; or give a folder in diffusers' layout with --base."
        ) from error
    except Exception as error:  # what breaks in the middle has many kinds, of several libraries
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise BrokenBase(
            f"The base {repo!r} could not be downloaded as a whole ({type(error).__name__}: {said})"
            ": look after the network and the room on the disk, and try again, which goes on with "
            "what is here already."
        ) from error
