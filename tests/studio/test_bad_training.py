"""Whatever is wrong in training ends in one clear line and exit code 2."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import studio.training
from bases.catalogue import Base


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


@pytest.mark.parametrize("faces", ["nope", ""])
def test_a_face_package_that_is_not_there_stops_before_the_training(
    refused: Callable[..., str],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    faces: str,
    make_a_person: Callable[[Path], None],
) -> None:
    monkeypatch.setattr(studio.training, "train", lambda _: pytest.fail("it was trained"))
    make_a_person(home)
    assert repr(faces) in refused("train", "toto", "--faces", faces, "--home", home)


def test_a_config_that_does_not_exist(refused: Callable[..., str], home: Path) -> None:
    assert "none.yaml" in refused("train", "toto", "--config", "none.yaml", "--home", home)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("--model.lr", "abc"),
        ("--trainer.max_steps", "1.5"),
        ("--modl.lr", 1),
        ("--trainer.max_step", 3),
    ],
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
    ("targets", "said"), [("[", "is no regular expression"), ("to_q", "matches none of the base's")]
)
@pytest.mark.parametrize("more", [(), ("--model.name_gate=3", "--model.prior_weight=0.3")])
def test_targets_that_name_no_layers(
    refused: Callable[..., str],
    home: Path,
    tiny: Base,
    targets: str,
    said: str,
    more: tuple[str, ...],
) -> None:
    settings = ("--data.pool", 2, "--data.clips", 0, "--model.targets", targets)
    line = refused("train", "toto", "--home", home, "--base", tiny.source, *settings, *more)
    assert f"model.targets={targets!r} {said}" in line


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
    "said",
    [b"\xff\xfe\x00", b"", b"model: 3", b"- a list", b"a: [", b"just text", b"a: !!bool maybe"],
)
def test_a_config_that_is_no_recipe(
    refused: Callable[..., str], home: Path, tmp_path: Path, said: bytes
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(said)
    assert "odd.yaml" in refused("train", "toto", "--home", home, "--config", path)


@pytest.mark.parametrize("setting", ["subject: other", "home: /elsewhere", "base: wan2.1-1.3b"])
def test_a_config_that_says_what_the_command_says(
    refused: Callable[..., str], home: Path, tmp_path: Path, setting: str
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(f"data:\n  {setting}\n")
    said = refused("train", "toto", "--home", home, "--config", path)
    assert f"data.{setting.partition(':')[0]} is given by" in said


def test_a_config_that_holds_itself(
    refused: Callable[..., str], home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("model: &m\n  thrift: *m\n")
    assert "has an alias" in refused("train", "toto", "--home", home, "--config", path)


def test_an_adapter_without_its_record_is_not_sent_round_in_a_circle(
    refused: Callable[..., str], home: Path
) -> None:
    folder = home / "adapters" / "toto"
    folder.mkdir(parents=True)
    (folder / "adapter.safetensors").touch()
    line = refused("render", "toto", "waving", "--home", home)
    assert "lacks run.json" in line
    assert "--output.force true" in line
