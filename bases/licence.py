"""A licence that asks who uses a base, and the answer, which is kept on this machine."""

from __future__ import annotations

import datetime
import json
import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_config_path

from bases.errors import LicenceUnanswered
from bases.files import whole_file


@dataclass(frozen=True)
class Question:
    """What must be true of whoever uses a base.

    Attributes:
        model: the base's name, as people know it.
        text: what the licence wants, and the question.
        version: of the text; an answer to another one does not count.
    """

    model: str
    text: str
    version: str = "1"


MINIMAX_H3 = Question(
    "minimax-h3",
    """\
MiniMax-H3's licence grants nothing in the European Union, the United Kingdom, South Korea and the
United States: neither the use of the model nor that of what it draws. Elsewhere it wants the name
MiniMax-H3 shown beside what was drawn with it. Read the licence itself before you answer.
You will use the model and what it draws outside of those countries alone, under its licence.""",
)
_ASKED_BY = {"MiniMaxH3ModularPipeline": MINIMAX_H3}


def question_of(folder: Path) -> Question | None:
    """What the licence of the base in a folder asks, which its index tells; None for nothing."""
    try:
        said = json.loads((folder / "modular_model_index.json").read_text())
    except (OSError, ValueError):
        return None
    return _ASKED_BY.get(str(said.get("_class_name"))) if isinstance(said, dict) else None


def is_answered(question: Question) -> bool:
    """Whether someone on this machine has said that it is so."""
    return _answers().get(question.model, {}).get("version") == question.version


def keep_answer(question: Question) -> Path:
    """Record that it is so; returns the file."""
    path = _record()
    answer = {"version": question.version, "date": datetime.date.today().isoformat()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_text(json.dumps({**_answers(), question.model: answer}, indent=2) + "\n")
    return path


def require_answer(question: Question | None) -> None:
    """Go on if nothing is asked, or it has been answered.

    Raises:
        LicenceUnanswered: if not.
    """
    if question is not None and not is_answered(question):
        raise LicenceUnanswered(
            f"The licence of {question.model!r} asks something first. Read it and answer: "
            f"starring bases --accept {question.model}"
        )


def _record() -> Path:
    named = os.environ.get("STARRING_LICENCES")
    return Path(named) if named else user_config_path("starring", appauthor=False) / "licences.json"


def _answers() -> dict[str, dict[str, str]]:
    try:
        said = json.loads(_record().read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(said, dict):
        return {}
    return {model: answer for model, answer in said.items() if isinstance(answer, dict)}
