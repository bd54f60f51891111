"""Whatever a user can mend ends in one clear line and exit code 2, and nothing is lost."""

from __future__ import annotations

import errno
import shutil
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

import studio.asking
import studio.rendering
import studio.subjects
import studio.training
from bases.catalogue import Base
from finetune.adapter import Adapter
from studio.cli import main
from subjects import Consent, Subject
from tests.tiny_base import write_tiny_base


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Types a command that must be refused; gives the one line that it ends with."""

    def type_command(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["starring", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        assert end.value.code == 2, shown.err
        assert "Traceback" not in shown.out + shown.err
        said = [line for line in shown.err.splitlines() if line.startswith("starring: ")]
        assert len(said) == 1, shown.err
        assert shown.err.rstrip().endswith(said[0])
        return said[0]

    return type_command


def accepted(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["starring", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    assert not end.value.code


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def wide_png() -> bytes:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0"))


def bad_photo(kind: str, photos: Path, folder: Path) -> Path:
    path = folder / f"{kind}.jpg"
    good = (photos / "0.png").read_bytes()
    if kind == "animated":
        frames = [Image.new("RGB", (300, 300), (i * 60, 0, 0)) for i in range(3)]
        frames[0].save(path, format="WEBP", save_all=True, append_images=frames[1:])
    else:
        contents = {"text": b"not a photo", "truncated": good[:2000], "wide": wide_png()}
        path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize("kind", ["text", "truncated", "wide", "animated"])
def test_a_subject_of_unreadable_photos_alone(
    refused: Callable[..., str], tmp_path: Path, photos: Path, kind: str
) -> None:
    photo = bad_photo(kind, photos, tmp_path)
    home = tmp_path / "home"
    line = refused("subject", "add", "toto", photo, "--kind", "object", "--home", home)
    assert photo.name in line
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_a_photo_that_does_not_exist(
    refused: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    home = tmp_path / "home"
    line = refused("subject", "add", "toto", tmp_path / "gone.jpg", "--kind", "pet", "--home", home)
    assert "gone.jpg" in line
    assert not home.exists()


@pytest.mark.parametrize("name", ["a/b", "../up", "", "-x y", "."])
def test_a_name_that_is_no_folders_name(
    refused: Callable[..., str], tmp_path: Path, photos: Path, name: str
) -> None:
    home = tmp_path / "home"
    line = refused("subject", "add", "--kind", "object", "--home", home, "--", name, photos)
    assert repr(name) in line
    assert not home.exists()


def test_a_subject_that_exists(refused: Callable[..., str], home: Path, photos: Path) -> None:
    before = sorted((p, p.stat().st_mtime_ns) for p in (home / "subjects").rglob("*"))
    line = refused("subject", "add", "toto", photos, "--kind", "object", "--home", home)
    assert "toto" in line
    assert "exists" in line
    assert sorted((p, p.stat().st_mtime_ns) for p in (home / "subjects").rglob("*")) == before


def test_a_real_persons_face_is_not_looked_for_by_a_package_that_knows_drawings_alone(
    refused: Callable[..., str], tmp_path: Path, photos: Path
) -> None:
    home = tmp_path / "home"
    line = refused("subject", "add", "mira", photos, "--consent", "self", "--home", home)
    assert "knows drawings alone" in line
    assert "--kind object" in line
    assert not list(home.rglob("*.png"))


def test_a_person_without_consent(
    refused: Callable[..., str],
    tmp_path: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    home = tmp_path / "home"
    assert "--consent" in refused("subject", "add", "mira", photos, "--home", home)
    line = refused("subject", "add", "mira", photos, "--consent", "maybe", "--home", home)
    assert "'maybe'" in line
    assert not list(home.rglob("*.png"))


def test_one_photo_works_and_warns(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    photos: Path,
) -> None:
    photo, home = photos / "0.png", tmp_path / "home"
    accepted(monkeypatch, "subject", "add", "toto", photo, "--kind", "object", "--home", home)
    shown = capsys.readouterr().out
    assert "1 of 1 photos" in shown
    assert "Note: " in shown
    assert f"Next: starring train toto --home {home}\n" in shown


def test_a_subject_without_a_usable_photo_is_not_sent_to_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    path = home / "subjects" / "toto" / "photos" / "metadata.jsonl"
    path.write_text(path.read_text().replace('"verdict": "keep"', '"verdict": "drop"'))
    accepted(monkeypatch, "subject", "show", "toto", "--home", home)
    shown = capsys.readouterr().out
    assert "0 of 4 photos" in shown
    assert "set verdicts to 'keep'" in shown
    assert "starring train" not in shown
    assert "keep " not in shown.split("0 of 4")[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--kind", "car"], "'car' is none of person, pet, object"),
        (["--noun", "a 1"], "'a 1'"),
        (["--faces", "nope"], "'nope'"),
        (["--faces", ""], "give --faces 'pocket'"),
        (["--home", ""], "--home"),
        (["--home", "~nobodyhere/x"], "'~nobodyhere/x'"),
    ],
)
def test_adding_is_refused_before_the_question_and_the_progress_bar(
    refused: Callable[..., str],
    tmp_path: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: list[str],
    said: str,
) -> None:
    monkeypatch.setattr(studio.asking, "ask_consent", lambda: pytest.fail("it was asked"))
    monkeypatch.setattr(studio.subjects, "tqdm", lambda **_: pytest.fail("a bar was shown"))
    home = tmp_path / "home"
    assert said in refused("subject", "add", "mira", photos, "--home", home, *wrong)
    assert not list(home.rglob("*.png"))


def test_an_existing_name_is_refused_before_the_question(
    refused: Callable[..., str], home: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio.asking, "ask_consent", lambda: pytest.fail("it was asked"))
    assert "exists" in refused("subject", "add", "toto", photos, "--home", home)


def test_an_empty_path_is_not_this_folder(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "'photos': ''" in refused("subject", "add", "mira", "", "--home", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["blah"], "No such command 'blah'. 'starring --help' says"),
        (["subject", "add"], "Missing argument"),
        (["bases", "--colour"], "--colour"),
        (["render", "toto", "waving", "--seed", "1e5"], "'1e5' is no whole number from 0 to 9"),
        (["render", "toto", "waving", "--seed", "9" * 30], "is no whole number"),
        (["render", "toto", "waving", "--seed", "-1"], "'-1'"),
        (["render", "toto", "waving", "--scale", "nan"], "'nan' is no number from 0 to 10"),
        (["render", "toto", "waving", "--guidance", "inf"], "'inf' is no number from 0 to 100"),
        (["render", "toto", "waving", "--frames", "0"], "'0' is no whole number from 1"),
        (["demo", "--seed", "x"], "'x'"),
    ],
)
def test_words_that_are_not_understood(
    refused: Callable[..., str], arguments: list[str], said: str
) -> None:
    assert said in refused(*arguments)


def test_a_file_that_cannot_be_used_is_named(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        raise OSError(errno.ELOOP, "Too many levels of symbolic links", "/x/y")

    monkeypatch.setattr(Subject, "load", load)
    assert "'/x/y' cannot be used (Too many levels" in refused("subject", "show", "toto")


def test_an_unknown_subject(refused: Callable[..., str], home: Path) -> None:
    assert "toto" in refused("subject", "show", "nobody", "--home", home)
    assert "nobody" in refused("train", "nobody", "--home", home)


def test_an_unknown_base(refused: Callable[..., str], home: Path) -> None:
    line = refused("train", "toto", "--base", "wan9", "--home", home)
    assert "'wan9'" in line
    assert "pocket" in line
    assert not (home / "runs").exists()


def test_a_base_that_lacks_a_part(
    refused: Callable[..., str], home: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny_folder, folder)
    shutil.rmtree(folder / "vae")
    line = refused("train", "toto", "--base", folder, "--home", home)
    assert "lacks vae" in line
    assert not (home / "adapters").exists()


def make_a_person(home: Path) -> None:
    """Let the object 'toto' pass for a person."""
    path = home / "subjects" / "toto" / "subject.yaml"
    record = yaml.safe_load(path.read_text()) | {"kind": "person"}
    consent = Consent(whose="Toto", ground="synthetic", date="2025-01-31")
    record["consent"] = consent.signed("toto", home).record()
    path.write_text(yaml.safe_dump(record))


@pytest.mark.parametrize("faces", ["nope", ""])
def test_a_face_package_that_is_not_there_stops_before_the_training(
    refused: Callable[..., str], home: Path, monkeypatch: pytest.MonkeyPatch, faces: str
) -> None:
    monkeypatch.setattr(studio.training, "train", lambda _: pytest.fail("it was trained"))
    make_a_person(home)
    assert repr(faces) in refused("train", "toto", "--faces", faces, "--home", home)


def test_a_config_that_does_not_exist(refused: Callable[..., str], home: Path) -> None:
    assert "none.yaml" in refused("train", "toto", "--config", "none.yaml", "--home", home)


@pytest.mark.parametrize(
    ("setting", "value"), [("--model.lr", "abc"), ("--trainer.max_steps", "1.5"), ("--modl.lr", 1)]
)
def test_a_setting_that_does_not_fit(
    refused: Callable[..., str], home: Path, setting: str, value: object
) -> None:
    line = refused("train", "toto", setting, value, "--home", home)
    assert str(value) in line
    assert setting.removeprefix("--") in line


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("--trainer.accelerator=banana", "banana"),
        ("--trainer.devices=0", "devices"),
        ("--trainer.strategy=banana", "banana"),
        ("--trainer.limit_train_batches=7.5", "7.5"),
        ("--trainer.profiler=banana", "profiler"),
    ],
)
def test_a_setting_that_lightning_refuses(
    refused: Callable[..., str], home: Path, tiny: Base, setting: str, named: str
) -> None:
    said = refused("train", "toto", "--home", home, "--base", tiny.source, setting)
    assert "A setting does not fit" in said
    assert named in said


@pytest.mark.parametrize(
    ("setting", "told"),
    [("--data.subject", "the name"), ("--data.home", "--home"), ("--data.base=x", "--base")],
)
def test_a_setting_that_the_command_gives_itself(
    refused: Callable[..., str], home: Path, setting: str, told: str
) -> None:
    said = refused("train", "toto", "--home", home, setting, "other")
    assert f"is given by {told}" in said


@pytest.mark.parametrize(
    "said", [b"\xff\xfe\x00", b"", b"model: 3", b"- a list", b"a: [", b"just text"]
)
def test_a_config_that_is_no_recipe(
    refused: Callable[..., str], home: Path, tmp_path: Path, said: bytes
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(said)
    assert "odd.yaml" in refused("train", "toto", "--home", home, "--config", path)


def test_a_subjects_folder_without_its_record_is_named(
    refused: Callable[..., str], home: Path
) -> None:
    (home / "subjects" / "toto" / "subject.yaml").unlink()
    assert "lacks subject.yaml" in refused("subject", "show", "toto", "--home", home)


def test_an_adapter_that_does_not_exist(refused: Callable[..., str], home: Path) -> None:
    assert "starring train toto" in refused("render", "toto", "waving", "--home", home)


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
) -> None:
    monkeypatch.setattr(studio.rendering, "Renderer", lambda _: pytest.fail("it was drawn"))
    home = shutil.copytree(trained.folder.parents[1], tmp_path / "home")
    make_a_person(home)
    out = tmp_path / "clip.mp4"
    where = ("--home", home, "--out", out)
    assert "'nope'" in refused("render", "toto", "waving", "--faces", "nope", *where)


def test_a_full_disk_while_rendering(
    render: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(studio.rendering, "write_mp4", write)
    line = render("waving")
    assert "disk is full" in line
    assert "free some space" in line
