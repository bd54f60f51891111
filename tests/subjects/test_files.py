"""What belongs to a user is never open to others, not even while it is written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from subjects.files import whole_file
from subjects.privacy import private_folder
from tests.full_disk import full_disk


@pytest.fixture(autouse=True)
def open_minded() -> Iterator[None]:
    """A shell that lets everybody read what it makes."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_its_owners_from_the_first_byte_on(tmp_path: Path) -> None:
    with whole_file(tmp_path / "kept.zip") as file:
        file.write(b"photos")
        (draft,) = tmp_path.iterdir()
        assert mode(draft) == 0o600
    assert mode(tmp_path / "kept.zip") == 0o600


def test_what_fails_leaves_the_older_file(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"older")
    with full_disk(3), pytest.raises(OSError, match="large"), whole_file(tmp_path / "kept") as file:
        file.write(b"newer")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"older"]


def test_a_folder_and_those_above_it_that_were_not_there_are_closed(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a" / "b" / "c")
    assert [mode(path) for path in (folder, *folder.parents[:2])] == [0o700] * 3
    assert private_folder(folder) == folder
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        private_folder(tmp_path / "file")
