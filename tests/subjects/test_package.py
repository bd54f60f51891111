from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import subjects


def test_every_exported_name_is_there_once_and_sorted_by_kind() -> None:
    assert len(set(subjects.__all__)) == len(subjects.__all__)
    assert all(hasattr(subjects, name) for name in subjects.__all__)


def test_importing_loads_nothing_heavy() -> None:
    heavy = ["torch", "lightning", "cv2", "PIL", "insightface", "onnxruntime", "datasets", "yaml"]
    code = f"import subjects, sys; print([m for m in {heavy} if m in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, check=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_every_error_is_a_subject_error() -> None:
    errors = [getattr(subjects, name) for name in subjects.__all__ if name.endswith("Error")]
    assert len(errors) == 7
    assert all(issubclass(error, subjects.SubjectError) for error in errors)
