"""Deletion: everything that a subject's photos led to goes, and goes even where it is interrupted.

The subject's folder is renamed first, so that it is no subject any more. What else the home has of
it goes, then the clips and exports that its log names, and the folder last. A deletion that was cut
short is gone on with by the next command. Files are unlinked, not overwritten: on flash memory that
would erase nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from subjects.drafts import clear_drafts
from subjects.errors import StorageError
from subjects.files import file_digest
from subjects.ledger import LOG, log_faults, log_of, note_deletion
from subjects.locks import Busy, alone_in, locked_in
from subjects.privacy import private_folder
from subjects.records import replace_text
from subjects.subject import RECORD, folder_of, subject_names

TOMBSTONES = "deleted"
_GOING, _REMOVED = ".going.", "removed.json"


class Deleted(NamedTuple):
    """What became of a subject's files.

    Attributes:
        removed: files and folders that are gone.
        changed: clips and exports that are no longer what was written, and were left alone.
        missing: clips and exports that are no longer where they were written.
        untold: of a subject whose log may have named others, what is wrong with it.
    """

    removed: tuple[Path, ...]
    changed: tuple[Path, ...]
    missing: tuple[Path, ...]
    untold: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is left, or may be, one line each."""
        return (
            *(f"{path} was changed since, and is left there." for path in self.changed),
            *(f"{path} is no longer there; was it moved?" for path in self.missing),
            *(f"{log}: clips and exports that it named may be left." for log in self.untold),
        )


def to_delete(home: Path, name: str) -> list[Path]:
    """What a deletion of this subject would remove: its folder, and all that was made of it.

    Raises:
        SubjectError: if `name` cannot be a subject's name.
        StorageError: if there is no such subject, or a file cannot be read.
    """
    folders = _of_subject(home, name)
    written = chain.from_iterable(map(_written, folders))
    try:
        files = dict.fromkeys(path for path, digest in written if digest == _digest(path))
    except OSError as error:
        raise _unfinished(name, error) from error
    return [*folders, *_folders(home, name), *files]


def _of_subject(home: Path, name: str) -> list[Path]:
    """The subject's folder, and that of one of its name whose deletion was cut short."""
    folder = folder_of(home, name)
    found = [path for path in (folder, folder.with_name(f"{_GOING}{name}")) if path.is_dir()]
    if folder.is_symlink() and not _is_own(folder):
        raise StorageError(
            f"{str(folder)!r} is a link to {str(folder.resolve())!r}, which is no subject's folder "
            "of its own: remove the link, and what it leads to if you want that, by hand."
        )
    if not found:
        known = ", ".join(subject_names(home)) or "none"
        raise StorageError(
            f"there is no subject {name!r} to delete in {str(home)!r}; known are: {known}."
        )
    return found


def _is_own(link: Path) -> bool:
    """Whether a link leads to a subject that lies elsewhere, and not to a neighbour."""
    there = link.resolve()
    return (there / RECORD).is_file() and there.parent != link.parent.resolve()


def _unfinished(name: str, error: OSError) -> StorageError:
    return StorageError(
        f"{name!r} is not wholly deleted ({error.strerror or error}: {error.filename!r}): mend "
        "that, and give the same command again."
    )


def delete_subject(home: Path, name: str) -> Deleted:
    """Remove a subject: photos, consent, log, latents, adapters, runs, clips and exports.

    Raises:
        SubjectError: if `name` cannot be a subject's name.
        StorageError: if there is no such subject, or something cannot be removed; the same call
            then goes on.
    """
    _of_subject(home, name)
    folder = folder_of(home, name)
    going = folder.with_name(f"{_GOING}{name}")
    try:
        with _alone(home, going):
            done = []
            if folder.is_dir():
                if going.is_dir():  # of an earlier one of that name, whose log says what it led to
                    done.append(_finish(home, going))
                os.rename(folder, going)
            done.append(_finish(home, going))
            return Deleted(*(tuple(chain(*parts)) for parts in zip(*done, strict=True)))
    except Busy as error:
        raise StorageError(
            f"{name!r} is being added, trained or deleted ({error}): wait for it, or stop it with "
            "Ctrl-C where it runs, and then give the same command again."
        ) from error
    except OSError as error:
        raise _unfinished(name, error) from error


def adapters_of(home: Path, name: str) -> list[str]:
    """The names of the adapters that were trained on a subject."""
    records = home.glob("adapters/*/run.json")
    return sorted(path.parent.name for path in records if _is_of(path, name))


def finish_deletions(home: Path) -> list[Deleted]:
    """Go on with deletions that were cut short, and clear away what killed additions left.

    Returns:
        what became of the files of each.

    Raises:
        OSError: if something cannot be removed.
    """
    subjects = home / "subjects"
    clear_drafts(subjects)
    done = []
    for going in sorted({*subjects.glob(f"{_GOING}*"), *locked_in(subjects, f"{_GOING}*")}):
        with suppress(Busy), _alone(home, going):
            if going.is_dir():
                done.append(_finish(home, going))
    return done


@contextmanager
def _alone(home: Path, going: Path) -> Iterator[None]:
    """Keep out other deletions, additions of that name, and trainings, which would write again."""
    name = going.name.removeprefix(_GOING)
    runs = {folder.name for folder in _folders(home, name)}
    with ExitStack() as held:
        at_work = (going, going.with_name(name), *(home / "runs" / run for run in sorted(runs)))
        for folder in at_work:
            held.enter_context(alone_in(folder))
        yield


def _finish(home: Path, going: Path) -> Deleted:
    name = going.name.removeprefix(_GOING)
    written, untold = list(_written(going)), _untold(home, going)
    own = list(dict.fromkeys(path for path, digest in written if digest == _digest(path)))
    gone = _remember(going, own)
    others = [path for path in dict.fromkeys(path for path, _ in written) if path not in gone]
    missing = tuple(path for path in others if not path.exists())
    for folder in _on_their_way(home, going.name):
        _remove(folder)
    folders = _folders(home, name)
    for folder in folders:  # renamed first: one that was half removed would not be known again
        _remove(folder.rename(folder.with_name(f"{going.name}.{folder.name}")))
    for path in own:
        path.unlink(missing_ok=True)
    changed = tuple(path for path in others if path.exists())
    note_deletion(home, going)
    _remove(going)
    _set_tombstone(home)
    return Deleted((*own, *folders, going.with_name(name)), changed, missing, untold)


def _untold(home: Path, going: Path) -> tuple[str, ...]:
    """What is wrong with the log, which the end of an earlier try may have removed already."""
    if (going / _REMOVED).exists() and not (going / LOG).exists():
        return ()
    if not (faults := log_faults(home, going)):
        return ()
    more = f" and {len(faults) - 1} more such faults" if len(faults) > 1 else ""
    name = going.name.removeprefix(_GOING)
    return (f"The record of {name!r} is not as it was written ({faults[0]}{more})",)


def _on_their_way(home: Path, prefix: str) -> list[Path]:
    """Training runs and adapters that a deletion was removing when it was cut short."""
    return [path for kind in ("runs", "adapters") for path in home.glob(f"{kind}/{prefix}.*")]


def _remove(folder: Path) -> None:
    """Remove a folder, and where it is a link what that leads to."""
    there = folder.resolve()
    if there.is_dir():
        shutil.rmtree(there)
    if folder.is_symlink():
        folder.unlink()


def _remember(going: Path, own: list[Path]) -> set[Path]:
    """Write down which files are about to go; returns them and those of an earlier try."""
    known = _listed(_json(going / _REMOVED))
    names = [*map(str, known), *map(str, own)]
    replace_text(going / _REMOVED, json.dumps(names) + "\n")
    return set(map(Path, names))


def _written(going: Path) -> Iterator[tuple[Path, str]]:
    """The clips and exports that were written outside the home, with their SHA-256."""
    for line in log_of(going):
        files = line["details"].get("files")
        for path, digest in files.items() if isinstance(files, dict) else ():
            yield Path(path), str(digest)


def _folders(home: Path, name: str) -> list[Path]:
    """What else the home has of a subject: training runs and adapters, by whatever name."""
    runs = (path.parent for path in home.glob("runs/*/config.json") if _trains(path, name))
    return sorted({*runs, *(home / "adapters" / adapter for adapter in adapters_of(home, name))})


def _trains(config: Path, name: str) -> bool:
    turns = _json(config)
    return any(_at(turn, "data", "subject") == name for turn in _listed(turns))


def _is_of(run: Path, name: str) -> bool:
    return bool(_at(_json(run), "subject", "name") == name)


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _at(found: Any, *keys: str) -> Any:
    """What stands there in nested records; None where there are none."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _json(path: Path) -> Any:
    with suppress(OSError, ValueError):
        return json.loads(path.read_text(encoding="utf-8"))
    return None


def _digest(path: Path) -> str | None:
    return file_digest(path) if path.is_file() else None


def _set_tombstone(home: Path) -> None:
    """Leave that something was deleted, and when; not what."""
    folder = private_folder(home / TOMBSTONES)
    number = len(list(folder.iterdir())) + 1
    text = json.dumps({"deleted": date.today().isoformat()}) + "\n"
    replace_text(folder / f"{number:06d}.json", text)
