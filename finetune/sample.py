"""The clip that shows what an adapter has learnt: for each kind of subject one prompt, one seed."""

from __future__ import annotations

from subjects import Subject

SAMPLE_SEED = 7
_SHOWN = {
    "person": "waving at the beach, close-up",
    "pet": "running at the beach, medium shot",
    "object": "spinning at the beach, close-up",
}


def shown_by(subject: Subject) -> str:
    """What the clip shows the subject doing."""
    return _SHOWN[subject.kind]


def sample_prompt(subject: Subject) -> str:
    """The same under the subject's name."""
    return f"{subject.called}, {shown_by(subject)}"
