"""The record around a subject: consent that ends, a log that can be checked, a deletion that is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

from studio.cli import main
from subjects import Consent, Subject
from tests.subjects.known_faces import make_picture

Typed = tuple[int, str]


@pytest.fixture
def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> Callable[..., Typed]:
    """Types a command; gives its exit code and all that it said."""

    def type_command(*words: object) -> Typed:
        monkeypatch.setattr(sys, "argv", ["starring", *map(str, words), "--home", str(home)])
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err
        return int(end.value.code or 0), " ".join((shown.out + shown.err).split())

    return type_command


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def vase(typed: Callable[..., Typed], tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(2):
        Image.fromarray(make_picture(seed)).save(photos / f"{seed}.png")
    assert typed("subject", "add", "vase", photos, "--kind", "object")[0] == 0
    return tmp_path / "home" / "subjects" / "vase"


def make_a_person(vase: Path, **terms: str) -> None:
    record = yaml.safe_load((vase / "subject.yaml").read_text()) | {"kind": "person"}
    consent = Consent(whose="Vase", ground="synthetic", date="2020-01-01", **terms)
    record["consent"] = consent.signed("vase", vase.parents[1]).record()
    (vase / "subject.yaml").write_text(yaml.safe_dump(record))


def test_the_folders_are_their_owners_alone(vase: Path) -> None:
    assert (vase.stat().st_mode & 0o777, vase.parent.stat().st_mode & 0o777) == (0o700, 0o700)
    key = vase.parents[1] / "keys" / "signing.pem"
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_consent_that_is_over_stops_training_and_can_be_renewed(
    typed: Callable[..., Typed], vase: Path, home: Path
) -> None:
    make_a_person(vase, until="2020-12-31")
    code, said = typed("train", "vase")
    assert (code, "ended on 2020-12-31" in said) == (2, True)
    assert typed("subject", "show", "vase")[0] == 0
    code, said = typed("subject", "consent", "vase", "--consent", "self", "--until", "2999-01-01")
    assert (code, "Recorded: self, until 2999-01-01" in said) == (0, True)
    assert Subject.load(home, "vase").consent.ground == "self"


@pytest.mark.parametrize("day", ["2999-12-31", "2001-01-01"])
def test_a_consent_that_was_written_over_does_not_count(
    typed: Callable[..., Typed], vase: Path, day: str
) -> None:
    make_a_person(vase, until="2020-12-31")
    record = vase / "subject.yaml"
    record.write_text(record.read_text().replace("2020-12-31", day))
    code, said = typed("train", "vase")
    assert (code, "is not as it was signed" in said) == (2, True)
    assert typed("subject", "consent", "vase", "--consent", "synthetic")[0] == 0


def test_a_day_that_is_none_is_refused(typed: Callable[..., Typed], vase: Path) -> None:
    make_a_person(vase)
    code, said = typed("subject", "consent", "vase", "--consent", "self", "--until", "soon")
    assert (code, "'soon': write it as in" in said) == (2, True)


@pytest.mark.parametrize("ground", ["object", "pet"])
def test_nobody_consents_as_a_thing(
    typed: Callable[..., Typed], vase: Path, home: Path, ground: str
) -> None:
    make_a_person(vase)
    code, said = typed("subject", "consent", "vase", "--consent", ground)
    assert (code, f"{ground!r} is none of self" in said) == (2, True)
    assert Subject.load(home, "vase").consent.ground == "synthetic"


def test_the_log_tells_what_was_done_and_that_it_was_changed(
    typed: Callable[..., Typed], vase: Path
) -> None:
    code, said = typed("subject", "log", "vase")
    assert (code, "added" in said, "The record is whole." in said) == (0, True, True)
    line = json.loads((vase / "log.jsonl").read_text()) | {"who": "nobody"}
    (vase / "log.jsonl").write_text(json.dumps(line) + "\n")
    code, said = typed("subject", "log", "vase")
    assert (code, "vase/log.jsonl: line 1 was changed" in said) == (1, True)


def test_a_subject_is_deleted_once_it_is_said_for_sure(
    typed: Callable[..., Typed], vase: Path
) -> None:
    code, said = typed("subject", "delete", "vase")
    assert (code, "--yes" in said, vase.is_dir()) == (2, True, True)
    code, said = typed("subject", "delete", "vase", "--yes")
    assert (code, "Nothing of 'vase' that was made here is left." in said, vase.exists()) == (
        0,
        True,
        False,
    )


def test_a_deletion_that_was_cut_short_is_finished_by_any_command(
    typed: Callable[..., Typed], vase: Path
) -> None:
    vase.rename(vase.with_name(".going.vase"))
    typed("subject", "show", "other")
    assert not list(vase.parent.iterdir())


def test_a_deletion_that_was_cut_short_goes_on_by_the_same_command(
    typed: Callable[..., Typed], vase: Path
) -> None:
    vase.rename(vase.with_name(".going.vase"))
    assert typed("subject", "delete", "vase", "--yes")[0] == 0
    assert not list(vase.parent.iterdir())


def test_a_file_that_was_moved_is_not_said_to_be_gone(
    typed: Callable[..., Typed], vase: Path, tmp_path: Path
) -> None:
    file = tmp_path / "vase.zip"
    typed("subject", "export", "vase", "--out", file)
    file.rename(tmp_path / "moved.zip")
    code, said = typed("subject", "delete", "vase", "--yes")
    assert (code, "vase.zip is no longer there; was it moved?" in said) == (0, True)
    assert "Nothing of" not in said


@pytest.mark.parametrize(
    "words",
    [
        ("--face", "0.png"),
        ("--whose", "Mary"),
        ("--consent", "self"),
        ("--until", "2999-01-01"),
        ("--purpose", "fun"),
    ],
)
def test_what_is_said_of_a_person_is_not_taken_of_a_thing(
    typed: Callable[..., Typed], vase: Path, tmp_path: Path, words: tuple[str, str]
) -> None:
    code, said = typed("subject", "add", "jug", tmp_path / "photos", "--kind", "object", *words)
    assert (code, f"{words[0]} is for a person" in said) == (2, True)
    assert not vase.with_name("jug").exists()


def test_captions_and_verdicts_are_edited_by_options(
    typed: Callable[..., Typed], vase: Path, home: Path
) -> None:
    words = ("--caption", "0001.png=vase, an object, on a table", "--verdict", "0002.png=drop")
    assert typed("subject", "edit", "vase", *words)[0] == 0
    (kept,) = Subject.load(home, "vase").kept
    assert kept.caption == "vase, an object, on a table"
    code, said = typed("subject", "edit", "vase", "--caption", "0001.png")
    assert (code, "write it as PHOTO=" in said) == (2, True)


def test_an_exported_subject_is_imported_elsewhere_and_deleted_with_its_own(
    typed: Callable[..., Typed], vase: Path, tmp_path: Path, home: Path
) -> None:
    file = tmp_path / "vase.zip"
    assert typed("subject", "export", "vase", "--out", file)[0] == 0
    assert typed("subject", "import", file)[0] == 2
    kept = file.read_bytes()
    assert typed("subject", "delete", "vase", "--yes")[0] == 0
    assert not file.exists()
    file.write_bytes(kept)
    assert typed("subject", "import", file)[0] == 0
    assert len(Subject.load(home, "vase").kept) == 2


def test_the_contact_sheet_is_written_when_asked_for(
    typed: Callable[..., Typed], vase: Path
) -> None:
    code, said = typed("subject", "show", "vase", "--sheet")
    assert (code, (vase / "sheet.html").is_file(), "sheet.png" in said) == (0, True, True)


def test_the_subjects_are_listed_whatever_is_wrong_with_one(
    typed: Callable[..., Typed], home: Path, vase: Path
) -> None:
    (home / "subjects" / "broken").mkdir()
    (home / "subjects" / "broken" / "subject.yaml").write_text("kind: car")
    code, said = typed("subject", "list")
    assert code == 0
    assert "vase object 2 –" in said
    assert "kind 'car' is none of" in said


def test_without_a_subject_the_list_says_how_to_begin(typed: Callable[..., Typed]) -> None:
    code, said = typed("subject", "list")
    assert (code, "subject add NAME PHOTOS" in said) == (0, True)


def test_photos_that_cannot_be_held_out_are_not_passed_over_in_silence(
    typed: Callable[..., Typed], tmp_path: Path, vase: Path
) -> None:
    photos = tmp_path / "photos"
    code, said = typed("subject", "add", "jug", photos, "--kind", "object", "--hold-out", 1)
    assert (code, "no photo is held out" in said) == (0, True)
