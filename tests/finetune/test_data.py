"""What is seen at a step depends on seed and step alone; what was encoded is not encoded anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import finetune.captions
import finetune.data
import finetune.preservation
from bases.catalogue import Base
from finetune.batches import Batch
from finetune.data import SubjectData
from finetune.errors import TrainingError
from finetune.examples import Example, Prompt, load_examples, save_examples
from finetune.others import NAMES, about_others


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes each time that photos are encoded or clips are drawn."""
    calls: list[str] = []

    def noting(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **rest: Any) -> Any:
            calls.append(name)
            return act(*args, **rest)

        return noted

    monkeypatch.setattr(
        finetune.data, "photo_examples", noting("photos", finetune.data.photo_examples)
    )
    drawing = finetune.preservation
    monkeypatch.setattr(drawing, "draw_examples", noting("clips", drawing.draw_examples))
    return calls


def same(first: list[Batch], second: list[Batch]) -> bool:
    return all(
        torch.equal(a.latents, b.latents)
        and all(
            torch.equal(x[name], y[name])
            for x, y in zip(a.conditions, b.conditions, strict=True)
            for name in x
        )
        for a, b in zip(first, second, strict=True)
    )


def test_batches_are_a_function_of_seed_and_step(make: Callable[..., SubjectData]) -> None:
    data, other = make(seed=1), make(seed=2)
    early = [data.batches_at(step) for step in range(8)]
    assert all(same(data.batches_at(step), early[step]) for step in reversed(range(8)))
    assert not all(same(data.batches_at(0), batch) for batch in early)
    assert not all(same(other.batches_at(step), early[step]) for step in range(8))


def test_a_batch_holds_what_was_asked_for(make: Callable[..., SubjectData], tiny: Base) -> None:
    photos, clips = make(clip_weight=0.5).batches_at(3)
    assert (photos.name, photos.weight, clips.name, clips.weight) == ("photos", 1.0, "clips", 0.5)
    assert photos.number == clips.number == 3
    assert photos.latents.shape == (2, 4, 1, 4, 4)
    assert clips.latents.shape == (2, 4, 2, 4, 4)
    assert [row["encoder_hidden_states"].shape for row in photos.conditions] == [(48, 32)] * 2


@pytest.mark.parametrize(
    ("clips", "seen"), [(0.5, [1, 0, 1, 0]), (0.3, [1, 0, 0, 1]), (1.5, [2, 1, 2, 1])]
)
def test_a_share_of_a_clip_a_step_is_a_clip_in_some_steps(
    make: Callable[..., SubjectData], clips: float, seen: list[int]
) -> None:
    data = make(clips=clips)
    steps = [{batch.name: len(batch.latents) for batch in data.batches_at(n)} for n in range(4)]
    assert [step.get("clips", 0) for step in steps] == seen
    assert [step["photos"] for step in steps] == [2, 2, 2, 2]


def test_of_a_clip_the_base_is_asked_about_somebody_and_the_adapter_about_the_subject(
    make: Callable[..., SubjectData],
) -> None:
    data = make(dropout=0.0)
    clips = data.batches_at(0)[1]
    assert clips.others == ()
    for row, caption in enumerate(clips.captions):
        action = caption.split(" ", 2)[2]
        assert clips.asked[row] is data.material.embeddings[Prompt(caption)]
        named = Prompt(f"{data.subject.called}, {action}")
        assert clips.conditions[row] is data.material.embeddings[named]


def told_of(data: SubjectData, batch: Batch) -> set[str]:
    """Every prompt under which a batch is to stay as it is."""
    return {
        prompt.text
        for prompt, known in data.material.embeddings.items()
        if any(known is row for row in batch.others)
    }


def others_of(data: SubjectData, caption: str) -> list[str]:
    return about_others(caption, data.subject)


def test_others_are_nobody_and_other_names_half_and_half(make: Callable[..., SubjectData]) -> None:
    data = make(dropout=0.0, others=True)
    seen: list[str] = []
    for step in range(60):
        batches = data.batches_at(step)
        assert all(len(batch.others) == len(batch.latents) for batch in batches)
        seen += [prompt for batch in batches for prompt in told_of(data, batch)]
    assert not any(data.subject.trigger in prompt for prompt in seen)
    names = {prompt.partition(",")[0] for prompt in seen} & set(NAMES)
    assert len(names) > 4
    nobody = sum(prompt.startswith("an object") for prompt in seen) / len(seen)
    assert 0.3 < nobody < 0.7


def test_only_who_is_meant_differs_between_a_caption_and_its_others(
    make: Callable[..., SubjectData],
) -> None:
    data = make(others=True)
    for caption, rest in (
        (f"{data.subject.called}, waving, close-up", ", waving, close-up"),
        ("an object waving at the beach", ", waving at the beach"),
    ):
        nobody, *named = dict.fromkeys(others_of(data, caption))
        assert nobody == caption.replace(data.subject.called, "an object")
        called = [prompt.removesuffix(rest).partition(", ") for prompt in named]
        assert {noun for _, _, noun in called} == {"an object"}
        assert {name for name, _, _ in called} <= set(NAMES)


@pytest.mark.parametrize("own", ["{}", "{}, an object,", "{}'s friend", "a portrait of {}"])
def test_a_caption_that_somebody_typed_says_the_subjects_name_to_none_of_the_others(
    make: Callable[..., SubjectData], own: str
) -> None:
    data = make(others=True)
    for trigger in (data.subject.trigger, data.subject.trigger.upper()):
        others = others_of(data, f"{own.format(trigger)} at the beach")
        assert len(set(others)) == 5
        assert not any(data.subject.trigger in other.lower() for other in others)
        assert all(other.endswith(" at the beach") for other in others)


def test_a_trigger_is_found_where_words_have_no_spaces(make: Callable[..., SubjectData]) -> None:
    data = make(others=True)
    data.subject = replace(data.subject, trigger="托托")
    assert not any("托托" in other for other in others_of(data, "托托在海滩"))
    data.subject = replace(data.subject, trigger="bea")
    assert others_of(data, "an object at the beach")[0] == "an object at the beach"


def test_another_name_is_never_the_subjects(make: Callable[..., SubjectData]) -> None:
    data = make(others=True)
    data.subject = replace(data.subject, trigger="Anna")
    told = {other for number in range(99) for other in others_of(data, f"an object at {number}")}
    assert any(other.startswith("lucia") for other in told)
    assert not any(other.startswith("anna") for other in told)


def test_stills_are_compared_under_the_name_and_under_all_others(
    make: Callable[..., SubjectData],
) -> None:
    data = make(others=True)
    named, unnamed = (
        list(data.material.compared(named=True)),
        list(data.material.compared(named=False)),
    )
    assert (
        len(unnamed)
        == 5 * len(named)
        == 5 * sum(map(len, (data.material.photos, data.material.clips)))
    )
    assert {latents.shape[2] for _, latents, _ in (*named, *unnamed)} == {1}
    own = {id(prompt) for *_, prompt in named}
    assert not own & {id(prompt) for *_, prompt in unnamed}
    latents = {number: latents for number, latents, _ in named}
    assert all(torch.equal(latents[number], same) for number, same, _ in unnamed)


def test_without_clips_there_are_photos_alone(make: Callable[..., SubjectData]) -> None:
    (photos,) = make(clips=0, photos=7).batches_at(0)
    assert len(photos.latents) == 7


def test_every_photo_is_seen_and_its_mirror_too(make: Callable[..., SubjectData]) -> None:
    data = make(flip=True)
    seen = {row.sum().item() for step in range(80) for row in data.batches_at(step)[0].latents}
    assert len(seen) == 2 * len(data.subject.kept)


def test_a_photo_that_is_held_out_is_not_learnt(
    make: Callable[..., SubjectData], home: Path
) -> None:
    count = len(make().material.photos)
    path = home / "subjects" / "toto" / "photos" / "metadata.jsonl"
    path.write_text(path.read_text().replace('"held_out": false', '"held_out": true', 1))
    assert len(make().material.photos) == count - 1


def test_a_trigger_that_the_base_cannot_read_is_refused(
    make: Callable[..., SubjectData], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetune.data, "lost_in", lambda source, word: ["tokenizer_2"])
    with pytest.raises(TrainingError, match=r"cannot read 'toto', the trigger: its tokenizer_2 .*"):
        make()


@pytest.mark.parametrize(("dropout", "least", "most"), [(0.0, 0, 0), (0.3, 0.2, 0.4), (1.0, 1, 1)])
def test_captions_are_dropped_as_often_as_asked(
    make: Callable[..., SubjectData], dropout: float, least: float, most: float
) -> None:
    data = make(dropout=dropout)
    empty = data.material.embeddings[Prompt("")]["encoder_hidden_states"]
    rows = [
        torch.equal(row["encoder_hidden_states"], empty)
        for step in range(100)
        for batch in data.batches_at(step)
        for row in batch.conditions
    ]
    assert least <= sum(rows) / len(rows) <= most


def test_what_was_encoded_is_not_encoded_anew(
    make: Callable[..., SubjectData], encoded: list[str]
) -> None:
    first = make()
    assert encoded == ["photos", "clips"]
    again = make()
    assert encoded == ["photos", "clips"]
    assert same(first.batches_at(0), again.batches_at(0))


@pytest.mark.parametrize(
    ("settings", "redone"),
    [({"side": 48}, ["photos"]), ({"flip": True}, ["photos"]), ({"pool": 2}, ["clips"])],
)
def test_other_settings_are_encoded_anew(
    make: Callable[..., SubjectData],
    encoded: list[str],
    settings: dict[str, Any],
    redone: list[str],
) -> None:
    make()
    encoded.clear()
    make(**settings)
    assert encoded == redone


def test_an_edited_caption_is_learnt(
    make: Callable[..., SubjectData], encoded: list[str], home: Path
) -> None:
    make()
    encoded.clear()
    path = home / "subjects" / "toto" / "photos" / "metadata.jsonl"
    path.write_text(path.read_text().replace("toto, ", "toto, upside down, ", 1))
    data = make()
    assert encoded == ["photos"]
    captions = [example.caption for example in data.material.photos]
    assert sum("upside down" in caption for caption in captions) == 1


def test_a_photo_marked_drop_is_not_learnt(make: Callable[..., SubjectData], home: Path) -> None:
    count = len(make().material.photos)
    path = home / "subjects" / "toto" / "photos" / "metadata.jsonl"
    path.write_text(path.read_text().replace('"keep"', '"drop"', 1))
    assert len(make().material.photos) == count - 1
    path.write_text(path.read_text().replace('"keep"', '"drop"').replace('"care"', '"drop"'))
    with pytest.raises(TrainingError, match=r"no photo to learn from.*metadata\.jsonl"):
        make()


def test_examples_come_back_as_they_were_kept(tmp_path: Path) -> None:
    face = torch.rand(1, 1, 3, 3)
    kept = [
        Example(torch.randn(2, 1, 3, 3), "在海边", face, 2 * face),
        Example(torch.randn(2, 2, 3, 3), ""),
    ]
    path = tmp_path / "new" / "kept.safetensors"
    save_examples(path, kept, {"a": 1})
    back = load_examples(path, {"a": 1})
    assert back is not None
    assert [example.caption for example in back] == ["在海边", ""]
    assert all(torch.equal(a.latents, b.latents) for a, b in zip(kept, back, strict=True))
    assert torch.equal(back[0].face, face)
    assert torch.equal(back[0].subject, 2 * face)
    assert back[1].face is back[1].subject is None
    assert load_examples(path, {"a": 2}) is None
    assert load_examples(tmp_path / "none") is None
    assert os.listdir(path.parent) == ["kept.safetensors"]


def test_a_damaged_cache_is_made_anew(make: Callable[..., SubjectData], encoded: list[str]) -> None:
    data = make()
    for path in (*(data.subject.folder / "cache").iterdir(), *(data.home / "cache").iterdir()):
        path.write_bytes(path.read_bytes()[:200])
    encoded.clear()
    make()
    assert encoded == ["photos", "clips"]


def test_held_photos_are_clips_in_which_nothing_moves(
    make: Callable[..., SubjectData], encoded: list[str], tiny: Base
) -> None:
    data = make(held=2)
    photos, held, clips = data.batches_at(0)
    assert [held.name, len(held.asked), len(clips.asked)] == ["held", 0, 2]
    assert held.latents.shape[2] == clips.latents.shape[2] > photos.latents.shape[2] == 1
    for still, long in zip(data.material.photos, data.material.held, strict=True):
        assert torch.allclose(long.latents[:, :1], still.latents, atol=1e-4)
    make(held=2)
    assert encoded.count("photos") == 2


def test_held_photos_may_be_of_another_length_than_clips(
    make: Callable[..., SubjectData],
) -> None:
    _, held, clips = make(held=2, held_frames=11).batches_at(0)
    assert clips.latents.shape[2] == 2
    assert held.latents.shape[2] == 3  # of 9 frames: Wan draws one, and four at a time
    with pytest.raises(TrainingError, match="held_frames=4"):
        make(held=2, held_frames=4)
