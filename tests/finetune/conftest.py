"""What tests of training share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bases.catalogue import Base
from finetune.data import SubjectData


@pytest.fixture
def make(home: Path, tiny: Base) -> Callable[..., SubjectData]:
    """Prepares the data of 'toto'."""

    def prepare(**settings: Any) -> SubjectData:
        chosen = {"photos": 2, "clips": 2, "pool": 3, "ratios": (1.0,), **settings}
        data = SubjectData("toto", home, base=tiny.source, **chosen)
        data.prepare_data()
        return data

    return prepare
