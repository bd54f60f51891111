"""Whatever is wrong in what is typed ends in one clear line and exit code 2."""

from __future__ import annotations

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from subjects import Subject


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


@pytest.mark.parametrize(
    "command", [["train", "nobody"], ["render", "nobody", "waving"], ["export", "nobody"]]
)
def test_a_name_that_is_unknown_is_refused_before_anything_large_is_imported(
    tmp_path: Path, command: list[str]
) -> None:
    typed = ["starring", *command, "--home", str(tmp_path)]
    code = (
        f"import sys; sys.argv = {typed!r}\n"
        "from studio.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 2\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "no adapter 'nobody'" in done.stderr or "no subject 'nobody'" in done.stderr
