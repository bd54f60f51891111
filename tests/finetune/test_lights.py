"""Photos by day as if in another light."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bases.wan import Wan
from finetune.buckets import Buckets
from finetune.examples import photo_examples
from finetune.lights import TINTS, relit
from subjects import Subject
from tests.conftest import CPU


@pytest.mark.parametrize("light", TINTS)
def test_of_each_colour_that_share_is_left(light: str) -> None:
    generator = torch.Generator().manual_seed(0)
    video = torch.rand(1, 3, 2, 4, 4, generator=generator) * 2 - 1
    share = (relit(video, light) + 1) / (video + 1)
    assert torch.allclose(share[0, :, 1, 2, 3], torch.tensor(TINTS[light]), atol=1e-5)
    assert torch.allclose(share.amin((0, 2, 3, 4)), share.amax((0, 2, 3, 4)), atol=1e-4)


def test_night_is_darker_than_dusk_and_bluer() -> None:
    white = torch.ones(1, 3, 1, 1, 1)
    dusk, night = (relit(white, light).flatten() for light in TINTS)
    assert night.mean() < dusk.mean() < 1
    assert dusk.argmax() == 0
    assert night.argmax() == 2


def test_black_stays_black() -> None:
    black = -torch.ones(1, 3, 1, 2, 2)
    assert all(torch.equal(relit(black, light), black) for light in TINTS)


def test_every_light_is_seen_in_the_mirror_too(
    home: Path, family: Wan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "encode_video", lambda vae, video: video)
    buckets = Buckets(64, family.grid.multiple, (1.0,))
    subject = Subject.load(home, "toto")
    examples = photo_examples(
        subject, family, buckets, flip=True, lights=[*TINTS], dtype=torch.float32, device=CPU
    )
    assert len(examples) == 6 * len(subject.learnt)
    for first in range(0, len(examples), 6):
        own, *others = (example.latents[None] for example in examples[first : first + 6 : 2])
        for other, light in zip(others, TINTS, strict=True):
            assert torch.equal(other, relit(own, light))
        for view, mirrored in zip(
            examples[first : first + 6 : 2], examples[first + 1 : first + 6 : 2], strict=True
        ):
            assert torch.equal(mirrored.latents, view.latents.flip(-1))
            assert view.subject is not None
            assert mirrored.subject is not None
            assert torch.equal(mirrored.subject, view.subject.flip(-1))
