"""A pipeline is put on the device as a whole, or waits outside where it does not fit."""

from __future__ import annotations

import pytest

from bases.catalogue import Base
from bases.placing import weight_of
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
