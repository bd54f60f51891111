"""A base on the hub is fetched once, keeps its revision, and says in one line what went wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

import bases.hub
from bases.errors import BrokenBase, UnknownBase
from bases.hub import open_base
from bases.licence import MINIMAX_H3, keep_answer

NAME, REVISION = "wan2.1-1.3b", "0123abcd"


class Hub:
    """Stands in for the hub: one repository, whose folder may be on this machine or not."""

    def __init__(self, there: Path, here: Path) -> None:
        self.there, self.here = there, here
        self.downloads: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def __call__(
        self, repo: str, *, revision: str | None, allow_patterns: list[str], **more: Any
    ) -> str:
        folder = self.here / (revision or REVISION)
        if more.get("local_files_only"):
            if not folder.is_dir():
                raise LocalEntryNotFoundError("not here")
            return str(folder)
        said = {"repo": repo, "revision": revision, "patterns": allow_patterns}
        self.downloads.append(said | {"left": more["ignore_patterns"]})
        if self.error:
            raise self.error
        shutil.copytree(self.there, folder, dirs_exist_ok=True)
        return str(folder)


@pytest.fixture
def hub(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub(tiny_folder, tmp_path)
    monkeypatch.setattr(bases.hub, "snapshot_download", hub)
    return hub


def test_it_is_downloaded_once_and_then_used_as_it_is(hub: Hub) -> None:
    first = open_base(NAME)
    assert open_base(NAME) == first
    assert len(hub.downloads) == 1
    assert Path(first.source).is_dir()
    assert (first.revision, first.public_source) == (REVISION, "Wan-AI/Wan2.1-T2V-1.3B-Diffusers")
    assert first.height == 480


def test_another_revision_is_fetched_when_it_is_asked_for(hub: Hub) -> None:
    open_base(NAME)
    assert open_base(f"{NAME}@other").revision == "other"
    assert open_base(NAME).revision == REVISION
    assert [download["revision"] for download in hub.downloads] == [None, "other"]


def test_a_download_that_was_cut_short_goes_on(hub: Hub) -> None:
    base = open_base(NAME)
    next(Path(base.source).glob("transformer/*.safetensors")).unlink()
    open_base(NAME)
    assert len(hub.downloads) == 2


@pytest.mark.parametrize("name", ["model.bin", "pipeline.py", "weights.pt", "x.ckpt", "a.pkl"])
def test_nothing_that_could_run_is_fetched(hub: Hub, name: str) -> None:
    open_base(NAME)
    assert not any(fnmatch(name, pattern) for pattern in hub.downloads[0]["patterns"])


@pytest.mark.parametrize(
    ("name", "left"),
    [
        (NAME, ["transformer_ref/*"]),
        ("minimax-h3", ["transformer_ref/*"]),
        ("minimax-h3-ref", ["transformer/*"]),
    ],
)
def test_of_a_base_with_a_transformer_for_each_task_one_is_fetched(
    hub: Hub, name: str, left: list[str]
) -> None:
    keep_answer(MINIMAX_H3)
    with suppress(BrokenBase):
        open_base(name)
    assert hub.downloads[0]["left"] == left


def response(kind: type[Exception]) -> Exception:
    return kind("refused", response=SimpleNamespace(headers={}, request=None))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (response(RevisionNotFoundError), "has no revision ''"),
        (response(GatedRepoError), "accept its terms"),
        (response(RepositoryNotFoundError), "There is no base"),
        (LocalEntryNotFoundError("offline"), "the hub cannot be reached or refuses"),
        (ConnectionError("refused"), "the hub cannot be reached or refuses"),
        (response(HfHubHTTPError), "the hub cannot be reached or refuses"),
    ],
)
def test_what_went_wrong_is_said_in_one_line(hub: Hub, error: Exception, said: str) -> None:
    hub.error = error
    with pytest.raises(BrokenBase, match=said) as refused:
        open_base(NAME)
    assert "\n" not in str(refused.value)


def test_a_folder_has_no_revisions(hub: Hub, tiny_folder: Path) -> None:
    assert open_base(str(tiny_folder)).revision is None
    with pytest.raises(UnknownBase, match="leave out '@old'"):
        open_base("pocket@old")


def test_the_record_says_the_revision_and_rendering_goes_back_to_it(
    hub: Hub, home: Path, command: Callable[..., list[str]]
) -> None:
    from finetune.train import train
    from studio.rendering import base_of

    arguments = ["--data.clips=0", f"--data.base={NAME}@old", "--data.side=32"]
    run = train([*command(home, steps=1), *arguments]).run
    assert run["base"]["revision"] == "old"
    assert base_of(run).revision == "old"
