from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from subjects import log_of, note, problems


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (folder := tmp_path / "subjects" / "mira").mkdir(parents=True)
    for did in ("added", "trained", "rendered"):
        note(tmp_path, folder, did, base="pocket")
    return folder


def rewrite(path: Path, number: int, **changes: object) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[number] |= changes
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_what_was_done_is_told_in_order_and_fits_together(tmp_path: Path, folder: Path) -> None:
    assert [line["did"] for line in log_of(folder)] == ["added", "trained", "rendered"]
    assert log_of(folder)[1]["details"] == {"base": "pocket"}
    assert problems(tmp_path) == []


def test_a_line_that_was_changed_is_named(tmp_path: Path, folder: Path) -> None:
    rewrite(folder / "log.jsonl", 1, did="nothing")
    assert problems(tmp_path) == ["mira/log.jsonl: line 2 was changed"]


def test_an_entry_that_was_changed_or_taken_out_breaks_the_chain(
    tmp_path: Path, folder: Path
) -> None:
    ledger = tmp_path / "ledger.jsonl"
    whole = ledger.read_text()
    rewrite(ledger, 1, time="2020-01-01T00:00:00+00:00")
    assert "ledger.jsonl: entry 2 was changed" in problems(tmp_path)[0]
    ledger.write_text("".join(whole.splitlines(keepends=True)[::2]))
    assert "ledger.jsonl: entry 2 was changed, or one before it is missing" in problems(tmp_path)


def test_the_chain_tells_nothing_of_what_was_done(tmp_path: Path, folder: Path) -> None:
    ledger = (tmp_path / "ledger.jsonl").read_text()
    assert not any(word in ledger for word in ("mira", "trained", "pocket"))


def test_several_at_once_make_one_chain(tmp_path: Path, folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: note(tmp_path, folder, "rendered", clip=number), range(40)))
    assert problems(tmp_path) == []
    assert sorted(line["number"] for line in log_of(folder)) == list(range(1, 44))


def test_a_line_that_a_crash_cut_short_is_taken_away(tmp_path: Path, folder: Path) -> None:
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"number": 4, "ti')
    note(tmp_path, folder, "rendered")
    assert problems(tmp_path) == []
    assert log_of(folder)[-1]["number"] == 4


def test_a_log_that_is_gone_or_lacks_a_line_is_noticed(tmp_path: Path, folder: Path) -> None:
    log = folder / "log.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text(lines[0] + lines[2])
    assert problems(tmp_path) == ["mira/log.jsonl: a line before line 2 is missing"]
    log.unlink()
    assert problems(tmp_path) == ["mira/log.jsonl is missing"]


def test_a_ledger_that_is_gone_is_noticed(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "ledger.jsonl").unlink()
    assert problems(tmp_path)[0] == "ledger.jsonl is missing"


@pytest.mark.parametrize("line", ["garbage", '{"number": 99}', "[]", '{"number": "x", "hash": 1}'])
def test_lines_that_are_none_stop_nobody_and_are_noticed(
    tmp_path: Path, folder: Path, line: str
) -> None:
    for path in (tmp_path / "ledger.jsonl", folder / "log.jsonl"):
        with path.open("a") as file:
            file.write(line + "\n")
    note(tmp_path, folder, "rendered")
    assert [told["did"] for told in log_of(folder)] == ["added", "trained", "rendered", "rendered"]
    found = problems(tmp_path)
    assert any("ledger.jsonl: entry 4 was changed" in problem for problem in found)
    assert "mira/log.jsonl: line 4 was changed" in found


def test_a_log_that_lost_its_last_line_is_noticed(tmp_path: Path, folder: Path) -> None:
    log = folder / "log.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    assert "1 entries of ledger.jsonl have no line in any log.jsonl" in problems(tmp_path)[0]


def test_a_line_of_a_log_that_a_crash_cut_short_takes_no_other_with_it(
    tmp_path: Path, folder: Path
) -> None:
    with (folder / "log.jsonl").open("a") as file:
        file.write('{"number": 4, "ti')
    note(tmp_path, folder, "rendered", file="clip.mp4")
    assert log_of(folder)[-1]["details"] == {"file": "clip.mp4"}
    assert problems(tmp_path) == []


def test_a_name_of_a_file_that_is_no_utf8_comes_back(tmp_path: Path, folder: Path) -> None:
    name = os.fsdecode(b"x\xff.zip")
    note(tmp_path, folder, "exported", file=name)
    assert log_of(folder)[-1]["details"] == {"file": name}
    assert problems(tmp_path) == []
