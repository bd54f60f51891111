"""The command writes an adapter for another program, or says in one line why not."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from finetune.adapter import WEIGHTS, Adapter
from finetune.errors import AdapterError, BrokenAdapter
from studio import exporting
from studio.exporting import export_adapter
from studio.home import StudioError


@pytest.fixture
def export(trained: Adapter) -> Callable[..., list[Path]]:
    def run(out: Path, style: str = "comfyui") -> list[Path]:
        return export_adapter(trained.folder, style=style, out=out, home=trained.folder.parents[1])

    return run


def test_the_file_is_written_where_it_was_asked_for(
    export: Callable[..., list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new" / "mine.safetensors"
    assert export(path) == [path]
    assert all(name.startswith("diffusion_model.") for name in load_file(path))
    assert "40 tensors, all read back; size of the change" in capsys.readouterr().out
    assert [p.name for p in path.parent.iterdir()] == ["mine.safetensors"]


@pytest.mark.parametrize(
    ("name", "style", "said"),
    [
        ("mine.ckpt", "comfyui", "must end in .safetensors"),
        (".", "comfyui", "must end in .safetensors"),
        ("mine.safetensors", "gguf", "'gguf' is none of diffusers, comfyui, kohya"),
        ("file/mine.safetensors", "kohya", "give --out a name in a folder"),
    ],
)
def test_what_cannot_be_written_is_refused(
    export: Callable[..., list[Path]], tmp_path: Path, name: str, style: str, said: str
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises((StudioError, AdapterError), match=said):
        export(tmp_path / name, style)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_what_was_written_before_a_file_failed_is_noted(
    export: Callable[..., list[Path]],
    trained: Adapter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = trained.run | {
        "experts": [e | {"name": n} for n in ("a", "b") for e in trained.run["experts"]]
    }
    monkeypatch.setattr(Adapter, "run", property(lambda _: run))

    def export_one(source: Path, target: Path, **told: Any) -> float:
        if target.name == "o_b.safetensors":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(source, target, **told)

    write = exporting.export
    monkeypatch.setattr(exporting, "export", export_one)
    noted: list[Path] = []
    monkeypatch.setattr(exporting, "note_files", lambda *told, **_: noted.extend(told[3]))
    with pytest.raises(StudioError, match="o_b"):
        export(tmp_path / "o.safetensors")
    assert noted == [tmp_path / "o_a.safetensors"]


@pytest.mark.parametrize("damage", ["missing", "cut short", "empty", "no numbers", "unrecorded"])
def test_an_adapter_that_is_damaged_is_named(trained: Adapter, tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "adapter"
    shutil.copytree(trained.folder, folder)
    weights = folder / WEIGHTS
    match damage:
        case "missing":
            weights.unlink()
        case "cut short":
            weights.write_bytes(weights.read_bytes()[:1000])
        case "empty":
            weights.write_bytes(b"")
        case "no numbers":
            save_file({name: w * torch.nan for name, w in load_file(weights).items()}, weights)
        case "unrecorded":
            run = json.loads((folder / "run.json").read_text())
            del run["photos"]
            (folder / "run.json").write_text(json.dumps(run))
    named = "run.json" if damage == "unrecorded" else WEIGHTS
    with pytest.raises(BrokenAdapter, match=f"{named}' .*train .* again"):
        export_adapter(folder, style="kohya", out=tmp_path / "o.safetensors", home=tmp_path)
    assert not list(tmp_path.glob("*.safetensors"))
