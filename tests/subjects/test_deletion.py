from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from subjects import Consent, StorageError, Subject, add_subject, delete_subject, note, problems
from subjects.deletion import finish_deletions, to_delete
from subjects.drafts import built_beside
from subjects.files import file_digest
from subjects.locks import alone_in
from tests.subjects.known_faces import KnownFaces, make_face

CANARIES = [f"canary{number:03d}x" for number in range(200)]
FILES = (
    *("subjects/mira/photos/0001.png", "subjects/mira/photos/metadata.jsonl"),
    *(
        "subjects/mira/cache/photos-pocket.safetensors",
        "subjects/mira/cache/held-pocket.safetensors",
    ),
    *("subjects/mira/subject.yaml", "subjects/mira/audit.jsonl", "subjects/mira/log.jsonl"),
    *("adapters/mira/adapter.safetensors", "adapters/mira/samples/sample.mp4"),
    *("adapters/other-name/adapter.safetensors", "adapters/other-name/report.json"),
    *("runs/mira/state.ckpt", "runs/mira/adapter/samples/step-50.mp4"),
    "adapters/.mira.old/adapter.safetensors",
    *("clips/beach.mp4", "clips/mira.safetensors"),
)


@pytest.fixture
def mira(
    tmp_path: Path, take: Callable[..., Path], finder: KnownFaces, consent: Consent
) -> Subject:
    paths = [take(f"{i}.png", make_face(1, seed=i), seed=i) for i in range(2)]
    add_subject("ann", paths, home=tmp_path, consent=consent, faces=finder)
    return add_subject("mira", paths, home=tmp_path, consent=consent, faces=finder)


@pytest.fixture
def planted(tmp_path: Path, mira: Subject) -> Path:
    """A home in which every kind of file that a subject leads to holds canaries of its own."""
    for number, name in enumerate(FILES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = CANARIES[number :: len(FILES)]
        with path.open("ab") as file:
            if path.name == "log.jsonl":
                continue
            file.write("\n".join(["", *mine, ""]).encode())
    for name, of in (
        ("mira", "mira"),
        ("other-name", "mira"),
        (".mira.old", "mira"),
        ("ann", "ann"),
    ):
        (tmp_path / "adapters" / name).mkdir(parents=True, exist_ok=True)
        run = {"subject": {"name": of}, "said": CANARIES if of == "mira" else []}
        (tmp_path / "adapters" / name / "run.json").write_text(json.dumps(run))
    (tmp_path / "runs/mira/config.json").write_text('[{"data": {"subject": "mira"}}]')
    clips = [tmp_path / name for name in FILES if name.startswith("clips/")]
    made = {str(path): file_digest(path) for path in clips}
    note(tmp_path, mira.folder, "rendered", files=made, prompt=" ".join(CANARIES))
    return tmp_path


def found(home: Path) -> list[str]:
    """Where canaries are."""
    files = (path for path in home.rglob("*") if path.is_file())
    return [str(p.relative_to(home)) for p in files if b"canary" in p.read_bytes()]


def test_nothing_of_a_deleted_subject_is_found(planted: Path) -> None:
    assert len(found(planted)) >= len(FILES)
    deleted = delete_subject(planted, "mira")
    assert found(planted) == []
    assert not any("mira" in str(path) for path in planted.rglob("*"))
    assert planted / "clips/beach.mp4" in deleted.removed
    assert problems(planted) == []


def test_others_are_left_alone(planted: Path) -> None:
    delete_subject(planted, "mira")
    assert len(Subject.load(planted, "ann").photos) == 2
    assert (planted / "adapters/ann/run.json").is_file()


def test_a_clip_that_was_changed_since_is_left_and_named(planted: Path) -> None:
    (planted / "clips/beach.mp4").write_text("another film")
    assert delete_subject(planted, "mira").changed == (planted / "clips/beach.mp4",)
    assert (planted / "clips/beach.mp4").is_file()


def test_a_clip_that_was_moved_is_named(planted: Path) -> None:
    clip = planted / "clips/beach.mp4"
    clip.rename(planted / "moved.mp4")
    assert delete_subject(planted, "mira").missing == (clip,)


def test_what_a_deletion_removed_itself_is_not_missing_when_it_goes_on(
    planted: Path, mira: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, moved = planted / "clips/beach.mp4", planted / "clips/mira.safetensors"
    note(planted, mira.folder, "rendered", files={str(clip): file_digest(clip)})
    moved.rename(planted / "elsewhere.safetensors")

    def fail(_: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied", str(clip))

    with monkeypatch.context() as patched:
        patched.setattr("subjects.deletion._set_tombstone", fail)
        patched.setattr("subjects.deletion.note_deletion", lambda *_: fail(clip))
        with pytest.raises(StorageError, match="not wholly deleted"):
            delete_subject(planted, "mira")
    assert not clip.exists()
    (done,) = finish_deletions(planted)
    assert (done.changed, done.missing) == ((), (moved,))
    assert done.warnings == (f"{moved} is no longer there; was it moved?",)


def test_the_tombstone_says_when_and_nothing_else(planted: Path) -> None:
    delete_subject(planted, "mira")
    (stone,) = (planted / "deleted").iterdir()
    assert list(json.loads(stone.read_text())) == ["deleted"]


KILLED = """
import os, sys
from pathlib import Path
from subjects import delete_subject
left = int(sys.argv[2])
def counted(step):
    def run(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return step(*arguments, **options)
    return run
for name in ("unlink", "rmdir", "rename"):
    setattr(os, name, counted(getattr(os, name)))
delete_subject(Path(sys.argv[1]), "mira")
"""


@pytest.mark.parametrize("seed", range(8))
def test_a_deletion_that_was_killed_is_finished_by_the_next_command(
    planted: Path, seed: int
) -> None:
    steps = random.Random(seed).randint(1, 20)
    home = str(Path(__file__).resolve().parents[2])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(planted), str(steps)],
        env={**os.environ, "PYTHONPATH": home},
        check=False,
    )
    assert killed.returncode == 9
    assert found(planted)
    with pytest.raises(StorageError, match="there is no subject 'mira'"):
        Subject.load(planted, "mira")
    finish_deletions(planted)
    assert found(planted) == []
    assert problems(planted) == []


def test_an_unknown_subject_is_not_deleted(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no subject 'mira' to delete"):
        delete_subject(tmp_path, "mira")


@pytest.mark.parametrize("line", ["garbage", '{"number": 99}', '{"details": {"files": 5}}'])
def test_a_log_that_was_spoilt_keeps_nothing_from_being_deleted(
    planted: Path, mira: Subject, line: str
) -> None:
    with (mira.folder / "log.jsonl").open("a") as file:
        file.write(line + "\n")
    (warning,) = delete_subject(planted, "mira").warnings
    assert "The record of 'mira' is not as it was written (log.jsonl: line " in warning
    assert found(planted) == []


def test_a_log_that_is_gone_may_have_named_what_is_left(planted: Path, mira: Subject) -> None:
    (mira.folder / "log.jsonl").unlink()
    assert "(log.jsonl is missing): clips and exports" in " ".join(
        delete_subject(planted, "mira").warnings
    )


@pytest.mark.parametrize("neighbour", [False, True])
def test_a_link_to_something_else_deletes_nothing(
    planted: Path, mira: Subject, neighbour: bool
) -> None:
    outside = planted / "outside"
    outside.mkdir()
    (outside / "thesis.txt").write_text("precious")
    (mira.folder.parent / "link").symlink_to(mira.folder if neighbour else outside)
    with pytest.raises(StorageError, match="is a link to .* no subject's folder of its own"):
        delete_subject(planted, "link")
    assert (outside / "thesis.txt").is_file()
    assert (mira.folder / "subject.yaml").is_file()


@pytest.mark.parametrize("cut_short", [False, True])
def test_what_would_go_is_what_goes(planted: Path, mira: Subject, cut_short: bool) -> None:
    if cut_short:
        mira.folder.rename(mira.folder.with_name(".going.mira"))
    listed = to_delete(planted, "mira")
    names = {path.name.removeprefix(".going.") for path in listed}
    assert names >= {"mira", "other-name", "beach.mp4", "mira.safetensors"}
    assert {*delete_subject(planted, "mira").removed, mira.folder} == {*listed, mira.folder} - {
        mira.folder.with_name(".going.mira")
    }
    assert not any(path.exists() for path in listed)


def test_a_folder_that_lost_its_record_is_deleted_too(planted: Path, mira: Subject) -> None:
    (mira.folder / "subject.yaml").unlink()
    delete_subject(planted, "mira")
    assert found(planted) == []


def test_a_new_subject_of_a_name_whose_deletion_was_cut_short_loses_nothing_of_the_old(
    planted: Path, mira: Subject
) -> None:
    mira.folder.rename(mira.folder.with_name(".going.mira"))
    mira.folder.mkdir()
    delete_subject(planted, "mira")
    assert found(planted) == []
    assert not (planted / "clips/beach.mp4").exists()


@pytest.mark.parametrize("odd", ['{"a": 1}', "[1, 2]", '{"subject": "mira"}', '[{"data": 5}]'])
def test_records_of_other_programs_do_not_stop_a_deletion(planted: Path, odd: str) -> None:
    for name in ("runs/odd/config.json", "adapters/odd/run.json"):
        (planted / name).parent.mkdir()
        (planted / name).write_text(odd)
    delete_subject(planted, "mira")
    assert found(planted) == []


def test_what_a_killed_addition_left_is_cleared_away(planted: Path) -> None:
    draft = planted / "subjects" / ".zora.x1y2z3.draft" / "photos"
    draft.mkdir(parents=True)
    (draft / "0001.png").write_bytes(b"zora")
    draft.parent.with_name("..zora.ab.draft.lock").touch()
    draft.parent.with_name(".zora.lock").touch()
    finish_deletions(planted)
    assert not any("zora" in path.name for path in planted.rglob("*"))
    with pytest.raises(StorageError, match="no subject 'zora' to delete in .*; known are: ann, mi"):
        delete_subject(planted, "zora")


def test_an_addition_that_still_runs_keeps_its_draft(tmp_path: Path) -> None:
    folder = tmp_path / "subjects" / "zora"
    folder.parent.mkdir()
    with built_beside(folder) as draft:
        os.utime(draft, (0, 0))
        finish_deletions(tmp_path)
        assert draft.is_dir()
    assert [path.name for path in folder.parent.iterdir()] == ["zora"]


@pytest.mark.parametrize("run", ["mira", "other-name"])
def test_a_subject_is_not_deleted_while_a_training_would_write_it_again(
    planted: Path, run: str
) -> None:
    before = found(planted)
    with (
        alone_in(planted / "runs" / run),
        pytest.raises(StorageError, match="'mira' is being added, trained or deleted.*wait for it"),
    ):
        delete_subject(planted, "mira")
    assert found(planted) == before
    delete_subject(planted, "mira")
    assert found(planted) == []


def test_what_lies_on_another_disk_behind_links_goes_too(
    planted: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    for linked in ("runs", "adapters/mira"):
        (planted / linked).rename(other / Path(linked).name)
        (planted / linked).symlink_to(other / Path(linked).name)
    rename = os.rename

    def within_one_disk(old: Any, new: Any) -> None:
        disks = [other in Path(path).parent.resolve().parents for path in (old, new)]
        if disks[0] != disks[1]:
            raise OSError(errno.EXDEV, "Invalid cross-device link", str(old))
        rename(old, new)

    monkeypatch.setattr(os, "rename", within_one_disk)
    delete_subject(planted, "mira")
    assert found(planted) == []
    assert found(other) == []


def test_a_deletion_that_was_killed_after_it_was_noted_is_noted_once(
    planted: Path, mira: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = shutil.rmtree

    def die_at_the_end(path: Path) -> None:
        if path.name == ".going.mira":
            raise OSError(errno.EIO, "killed", str(path))
        remove(path)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", die_at_the_end)
        with pytest.raises(StorageError, match="not wholly deleted"):
            delete_subject(planted, "mira")
    finish_deletions(planted)
    assert problems(planted) == []
    log = planted / "subjects" / "ann" / "log.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    assert problems(planted)


def test_the_ledger_is_whole_after_deletions(planted: Path) -> None:
    delete_subject(planted, "mira")
    assert problems(planted) == []
    delete_subject(planted, "ann")
    assert problems(planted) == []
