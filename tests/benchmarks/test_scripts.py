"""A benchmark that cannot be run says in one line why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import audit, followed, fuzz, intake, languages, likeness, photo_curve, train_step
from benchmarks.scripts import run_script


@pytest.mark.parametrize(
    ("script", "words", "said"),
    [
        (likeness.measure, ("--subjects", "0"), '"subjects": Not of type PositiveInt: 0'),
        (likeness.measure, ("--base", "wan9"), "No base is called 'wan9'"),
        (photo_curve.measure, ("--numbers", "[0]"), "Not of type PositiveInt: 0"),
        (photo_curve.measure, ("--numbers", "[]"), "There is nothing to measure"),
        (photo_curve.measure, ("--sets", "[wide]"), "Got value: wide"),
        (photo_curve.measure, ("--base", "wan9"), "No base is called 'wan9'"),
        (likeness.measure, ("--seed", f"{2**63}"), f"Not of type Seed: {2**63}"),
        (languages.measure, ("--base", "wan9"), "No base is called 'wan9'"),
        (languages.measure, ("--scenes", "-1"), "Not of type PositiveInt: -1"),
        (followed.measure, ("--base", "wan9"), "No base is called 'wan9'"),
        (train_step.compare, ("--rounds", "0"), "Not of type PositiveInt: 0"),
        (train_step.compare, ("--base", "wan9"), "No base is called 'wan9'"),
        (audit.measure, ("--sets", "0"), "Not of type PositiveInt: 0"),
        (intake.measure, ("--photos", "[0]"), "Not of type PositiveInt: 0"),
        (fuzz.measure, ("--pictures", "-1"), "Not of type NonNegativeInt: -1"),
    ],
)
def test_what_it_cannot_be_given_is_named(
    script: Callable[..., None],
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["script", *words])
    with pytest.raises(SystemExit) as stopped:
        run_script(script)
    assert stopped.value.code
    assert said in " ".join(capsys.readouterr().err.split())
