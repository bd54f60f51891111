"""The command knows where its home is, and that its folders are its own."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import studio.home
from studio.home import StudioError, check_imports, home_folder, home_option


def test_the_home_is_what_was_given_else_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STARRING_HOME", str(tmp_path / "environment"))
    assert home_folder(tmp_path / "given") == tmp_path / "given"
    assert home_folder(None) == tmp_path / "environment"
    monkeypatch.delenv("STARRING_HOME")
    assert home_folder(None).name == "starring"


def test_a_home_of_nobody_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARRING_HOME", "~nobodyhere/x")
    with pytest.raises(StudioError, match="STARRING_HOME is '~nobodyhere/x'"):
        home_folder(None)


def test_a_suggested_command_repeats_the_home_that_was_given() -> None:
    assert home_option(None) == ""
    assert home_option(Path("/my home")) == " --home '/my home'"


def test_our_own_folders_are_accepted() -> None:
    check_imports()


def test_another_package_of_a_folders_name_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def find(name: str) -> ModuleSpec:
        return ModuleSpec(name, None, origin=str(tmp_path / name / "__init__.py"))

    monkeypatch.setattr(studio.home, "find_spec", find)
    with pytest.raises(StudioError, match=r"'bases' was found in .*pip uninstall bases"):
        check_imports()
