"""What one adapter of a subject draws, another learns."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import finetune.teacher
from bases.catalogue import Base
from bases.wan import Wan
from finetune.adapter import Adapter
from finetune.data import SubjectData
from finetune.errors import TrainingError, WrongBase
from finetune.preservation import draw_examples
from finetune.train import train
from subjects import Subject
from tests.conftest import CPU
from tests.tiny_base import write_tiny_base


@pytest.fixture
def taught_home(trained: Adapter, tmp_path: Path) -> Path:
    """A home with the subject 'toto' and its adapter."""
    return shutil.copytree(trained.folder.parents[1], tmp_path / "home")


def make(home: Path, base: str | Path, **settings: object) -> SubjectData:
    chosen = {"clips": 2, "pool": 3, "teacher": "toto", "dropout": 0.0, **settings}
    return SubjectData("toto", home, base=str(base), **chosen)


def test_it_learns_clips_of_the_subject_as_the_teacher_draws_them(
    taught_home: Path, tiny: Base, family: Wan, trained: Adapter
) -> None:
    data = make(taught_home, tiny.source, others=True)
    data.prepare_data()
    clips = data.material.clips
    assert len(clips) == 3
    assert all(clip.caption.startswith(f"{data.subject.called}, ") for clip in clips)
    wanted = [clip.caption for clip in clips]
    precision = {"dtype": torch.float32, "device": CPU}
    drawn = draw_examples(tiny, family, wanted, adapter=trained, **precision)
    plain = draw_examples(tiny, family, wanted, **precision)
    for clip, own, other in zip(clips, drawn, plain, strict=True):
        assert torch.equal(clip.latents, own.latents)
        assert not torch.equal(clip.latents, other.latents)
    batch = data.batches_at(0)[-1]
    assert batch.name == "clips"
    assert batch.asked == ()
    assert len(batch.others) == 2
    for row, caption in enumerate(batch.captions):
        assert batch.conditions[row] is data.material.told(caption, clips[0])


def test_what_it_drew_is_kept_until_it_is_trained_anew(
    taught_home: Path,
    tiny: Base,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[..., list[str]],
) -> None:
    drawn: list[int] = []

    def noting(base: Base, family: Wan, wanted: list[str], **more: object) -> object:
        drawn.append(len(wanted))
        return draw_examples(base, family, wanted, **more)

    monkeypatch.setattr(finetune.teacher, "draw_examples", noting)
    make(taught_home, tiny.source).prepare_data()
    make(taught_home, tiny.source).prepare_data()
    assert drawn == [3]
    train(command(taught_home, "--output.force=true", "--model.seed=5", steps=2))
    make(taught_home, tiny.source).prepare_data()
    assert drawn == [3, 3]
    assert not list(taught_home.glob("cache/*taught*")), "it is the subject's own, and goes with it"


def test_a_gated_adapter_is_taught(taught_home: Path, command: Callable[..., list[str]]) -> None:
    gated = ["--model.name_gate=3", "--model.prior_weight=1", "--output.name=alone"]
    pupil = train(command(taught_home, *gated, "--data.teacher=toto", steps=2))
    assert pupil.run["experts"][0]["config"]["data"]["teacher"] == "toto"


def test_a_teacher_that_there_is_not(taught_home: Path, tiny: Base) -> None:
    with pytest.raises(TrainingError, match="there is no such adapter.*starring train toto"):
        make(taught_home, tiny.source, teacher="mira")


def test_a_teacher_of_another_subject_or_under_another_name(
    taught_home: Path, tiny: Base, add_to: Callable[..., Subject]
) -> None:
    add_to(taught_home, "vase")
    with pytest.raises(TrainingError, match="is an adapter of 'toto'.*not of 'vase'"):
        SubjectData("vase", taught_home, base=tiny.source, teacher="toto")


def test_a_teacher_whose_clips_nobody_wants(taught_home: Path, tiny: Base) -> None:
    with pytest.raises(TrainingError, match=r"data\.clips=0 asks for none"):
        make(taught_home, tiny.source, clips=0)


def test_a_teacher_on_another_base(taught_home: Path, tmp_path: Path) -> None:
    other = write_tiny_base(tmp_path / "other", seed=4)
    with pytest.raises(WrongBase, match="was trained on base 'tiny'"):
        make(taught_home, other)
