"""A base whose licence asks something is opened by those alone who have answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bases.catalogue import Base, find_base
from bases.errors import LicenceUnanswered
from bases.hub import open_base
from bases.licence import MINIMAX_H3, is_answered, keep_answer, require_answer


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config" / "licences.json"
    monkeypatch.setenv("STARRING_LICENCES", str(path))
    return path


@pytest.fixture(params=["by name", "as a folder"])
def named(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "by name":
        return "minimax-h3"
    index = {"_class_name": "MiniMaxH3ModularPipeline"}
    (tmp_path / "modular_model_index.json").write_text(json.dumps(index))
    return str(tmp_path)


def test_it_is_refused_before_anything_is_downloaded(named: str) -> None:
    with pytest.raises(LicenceUnanswered, match=r"starring bases --accept minimax-h3"):
        open_base(named)


def test_it_is_found_all_the_same(named: str) -> None:
    assert find_base(named).question is MINIMAX_H3


def test_an_answer_is_kept(record: Path) -> None:
    assert not is_answered(MINIMAX_H3)
    assert keep_answer(MINIMAX_H3) == record
    assert is_answered(MINIMAX_H3)
    require_answer(MINIMAX_H3)
    assert set(json.loads(record.read_text())["minimax-h3"]) == {"version", "date"}


@pytest.mark.parametrize("written", ["{", "[]", '{"minimax-h3": {"version": "0"}}'])
def test_nonsense_and_an_answer_to_another_text_are_none(record: Path, written: str) -> None:
    record.parent.mkdir()
    record.write_text(written)
    assert not is_answered(MINIMAX_H3)


def test_no_other_base_asks(tiny: Base) -> None:
    assert tiny.question is None
    require_answer(None)
