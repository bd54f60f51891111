"""A pipeline is put on the device as a whole, or waits outside where it does not fit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bases.catalogue import Base
from bases.placing import weight_of
from bases.video import Frames
from finetune.adapter import Adapter
from inference.render import Renderer
from tests.conftest import CPU


@pytest.mark.parametrize("lacking", [0, 1])
def test_what_does_not_fit_by_a_byte_waits(
    tiny: Base, lacking: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = weight_of(Renderer(tiny, device=CPU, progress=False).pipe) - lacking
    monkeypatch.setattr("bases.placing.room_on", lambda _: float(room))
    Renderer(tiny, device=CPU, progress=False)
    assert ("wait in the machine's memory" in caplog.text) == bool(lacking)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="wants a GPU")
def test_on_a_gpu_what_waits_draws_as_what_lies_there(
    tiny: Base, trained: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def drawn() -> Frames:
        renderer = Renderer(tiny, device=torch.device("cuda"), progress=False)
        with renderer.adapter(trained):
            return renderer.render("toto, an object, waving")

    whole = drawn()
    monkeypatch.setattr("bases.placing.room_on", lambda _: 1.0)
    np.testing.assert_array_equal(drawn(), whole)
