"""A base on the hub is fetched once, keeps its revision, and says in one line what went wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

import bases.hub
from bases.catalogue import Base, find_base
from bases.errors import BrokenBase, UnknownBase
from bases.folder import missing_files
from bases.hub import is_here, open_base
from bases.licence import MINIMAX_H3, keep_answer
from tests.tiny_minimax_h3 import write_tiny_minimax_h3

NAME, REVISION = "wan2.1-1.3b", "0123abcd"


class Hub:
    """Stands in for the hub: one repository, whose folder may be on this machine or not.

    A download is told by the revision that was asked for; `fetched` has the files by their names.
    """

    def __init__(self, there: Path, here: Path) -> None:
        self.there, self.here = there, here
        self.downloads: list[str | None] = []
        self.fetched: set[str] = set()
        self.error: Exception | None = None

    def __call__(
        self,
        repo: str,
        *,
        revision: str | None,
        allow_patterns: list[str],
        ignore_patterns: list[str] | None = None,
        local_files_only: bool,
    ) -> str:
        folder = self.here / (revision or REVISION)
        if local_files_only:
            if not folder.is_dir():
                raise LocalEntryNotFoundError("not here")
            return str(folder)
        if ignore_patterns is None:
            self.downloads.append(revision)
        if self.error:
            raise self.error
        for path in filter(Path.is_file, self.there.rglob("*")):
            name = str(path.relative_to(self.there))
            left_out = any(fnmatch(name, pattern) for pattern in ignore_patterns or ())
            if not left_out and any(fnmatch(name, pattern) for pattern in allow_patterns):
                self.fetched.add(name)
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / name)
        return str(folder)


@pytest.fixture
def hub(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    there = tmp_path / "there"
    shutil.copytree(tiny_folder, there)
    hub = Hub(there, tmp_path / "here")
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
    assert hub.downloads == [None, "other"]


def test_it_is_here_once_all_of_it_is(hub: Hub, tiny: Base) -> None:
    assert is_here(tiny)
    assert not is_here(find_base(NAME))
    base = open_base(NAME)
    assert is_here(find_base(NAME))
    next(Path(base.source).glob("vae/*.safetensors")).unlink()
    assert not is_here(find_base(NAME))
    (Path(base.source) / "vae" / "model.safetensors.index.json").write_text('{"weight')
    assert not is_here(find_base(NAME))


def test_a_download_that_was_cut_short_goes_on(hub: Hub) -> None:
    base = open_base(NAME)
    next(Path(base.source).glob("transformer/*.safetensors")).unlink()
    open_base(NAME)
    assert len(hub.downloads) == 2


@pytest.mark.parametrize("part", ["", "transformer/"])
@pytest.mark.parametrize("name", ["model.bin", "pipeline.py", "weights.pt", "x.ckpt", "a.pkl"])
def test_nothing_that_could_run_is_fetched(hub: Hub, name: str, part: str) -> None:
    (hub.there / f"{part}{name}").touch()
    open_base(NAME)
    assert f"{part}{name}" not in hub.fetched


@pytest.mark.parametrize(
    "name",
    [
        *("wan-as-one-file.safetensors", "split_files/vae.safetensors", "assets/clip.json"),
        "vae/diffusion_pytorch_model.fp16.safetensors",
        "text_encoder/model.bf16-00001-of-00002.safetensors",
    ],
)
def test_what_stands_beside_the_pipeline_is_not_fetched(hub: Hub, name: str) -> None:
    (hub.there / name).parent.mkdir(exist_ok=True)
    (hub.there / name).touch()
    base = open_base(NAME)
    whole = {str(path.relative_to(hub.there)) for path in hub.there.rglob("*") if path.is_file()}
    assert whole - hub.fetched == {name, "starring.json"}
    assert missing_files(Path(base.source)) == []


@pytest.mark.parametrize(
    ("name", "part"), [("minimax-h3", "transformer"), ("minimax-h3-ref", "transformer_ref")]
)
def test_of_a_base_with_a_transformer_for_each_task_one_is_fetched(
    hub: Hub, name: str, part: str
) -> None:
    keep_answer(MINIMAX_H3)
    shutil.rmtree(hub.there)
    write_tiny_minimax_h3(hub.there)
    shutil.copytree(hub.there / "transformer", hub.there / "transformer_ref", dirs_exist_ok=True)
    index = hub.there / "modular_model_index.json"
    said = json.loads(index.read_text())
    index.write_text(json.dumps(said | {"transformer_ref": said["transformer"]}))
    with suppress(BrokenBase):
        open_base(name)
    fetched = {Path(file).parent.name for file in hub.fetched}
    assert fetched & {"transformer", "transformer_ref"} == {part}


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
        (httpx2.ReadError("reset"), r"could not be downloaded as a whole \(ReadError: reset\)"),
        (httpx2.ProxyError("no"), "could not be downloaded as a whole"),
        (OSError("Consistency check failed"), r"OSError: Consistency check failed\): look after"),
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


def test_a_base_in_a_folder_is_not_taken_for_another_of_its_name(
    tmp_path: Path, tiny_folder: Path
) -> None:
    from studio.rendering import base_of

    folder = shutil.copytree(tiny_folder, tmp_path / "pocket")
    assert base_of({"base": {"name": "pocket", "source": str(folder)}}).source == str(folder)
