"""Whatever is wrong in rendering ends in one clear line and exit code 2."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import studio.rendering
from bases.catalogue import Base
from finetune.adapter import Adapter
from inference.render import Renderer
from subjects import delete_subject
from tests.tiny_base import write_tiny_base


def test_an_adapter_that_does_not_exist(refused: Callable[..., str], home: Path) -> None:
    assert "starring train SUBJECT" in refused("render", "toto", "waving", "--home", home)


@pytest.fixture
def render(
    refused: Callable[..., str], trained: Adapter, tiny: Base, tmp_path: Path
) -> Callable[..., str]:
    """Types a rendering that must be refused."""

    def type_render(prompt: str, *more: object, base: object = tiny.source) -> str:
        home, out = trained.folder.parents[1], tmp_path / "out" / "clip.mp4"
        line = refused(
            "render", "toto", prompt, "--base", base, "--home", home, "--out", out, *more
        )
        assert not out.exists()
        assert not list(tmp_path.rglob("*.part"))
        return line

    return type_render


@pytest.mark.parametrize("prompt", ["", "   "])
def test_an_empty_prompt(render: Callable[..., str], prompt: str) -> None:
    assert "prompt is empty" in render(prompt)


def test_sizes_that_cannot_be_drawn(render: Callable[..., str]) -> None:
    assert "'-1'" in render("waving", "--frames", "-1")
    assert "'0'" in render("waving", "--steps", "0")
    assert "draws from 1 to 125" in render("waving", "--frames", "10000")


def test_a_negative_prompt_that_nothing_leads_away_from(render: Callable[..., str]) -> None:
    line = render("waving", "--negative", "wet", "--guidance", "1")
    assert "negative 'wet' does not fit guidance 1.0" in line


@pytest.mark.parametrize("words", [("wav\udcff",), ("waving", "--negative", "w\udcff")])
def test_words_that_are_no_text(render: Callable[..., str], words: tuple[str, ...]) -> None:
    assert "holds bytes that are no text in UTF-8" in render(*words)


def test_an_adapter_of_another_base(render: Callable[..., str], tmp_path: Path) -> None:
    other = write_tiny_base(tmp_path / "other", seed=1)
    line = render("waving", base=other)
    assert "was trained on base 'tiny'" in line


def test_a_clip_that_is_no_mp4(
    refused: Callable[..., str], trained: Adapter, tmp_path: Path
) -> None:
    home = trained.folder.parents[1]
    line = refused("render", "toto", "waving", "--home", home, "--out", tmp_path / "clip.gif")
    assert ".mp4" in line


def test_a_face_package_that_is_not_there_stops_before_the_drawing(
    refused: Callable[..., str],
    trained: Adapter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_a_person: Callable[[Path], None],
) -> None:
    monkeypatch.setattr(studio.rendering, "Renderer", lambda _: pytest.fail("it was drawn"))
    home = shutil.copytree(trained.folder.parents[1], tmp_path / "home")
    make_a_person(home)
    out = tmp_path / "clip.mp4"
    where = ("--home", home, "--out", out)
    assert "'nope'" in refused("render", "toto", "waving", "--faces", "nope", *where)


def test_a_subject_that_is_deleted_while_its_clip_is_drawn(
    refused: Callable[..., str],
    trained: Adapter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = shutil.copytree(trained.folder.parents[1], tmp_path / "home")
    draw = Renderer.render

    def draw_and_delete(self: Renderer, *arguments: Any) -> Any:
        frames = draw(self, *arguments)
        delete_subject(home, "toto")
        return frames

    monkeypatch.setattr(Renderer, "render", draw_and_delete)
    out = tmp_path / "clip.mp4"
    line = refused("render", "toto", "waving", "--home", home, "--out", out)
    assert "'toto' was deleted while its clip was drawn" in line
    assert not out.exists()


def test_a_full_disk_while_rendering(
    render: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(studio.rendering, "write_mp4", write)
    line = render("waving")
    assert "disk is full" in line
    assert "free some space" in line
