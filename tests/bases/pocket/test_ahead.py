from __future__ import annotations

import pytest

from bases.pocket import ahead
from bases.pocket.ahead import Ahead


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("makers", [0, 1])
def test_every_process_of_a_crew_takes_as_many_as_it_asked_for(
    makers: int, rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "crew_rank", lambda: rank)
    made = Ahead(abs, makers)
    taken = []
    for number in made.take(3, "numbers"):
        taken.append(number)
        assert len(taken) <= 3
    made.close()
    assert taken == [0, 1, 2]
