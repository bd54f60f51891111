"""Prompts about nobody and about other names, under which an adapter is to change nothing."""

from __future__ import annotations

import random
import re
from dataclasses import replace

from finetune.preservation import under_name
from subjects import Subject, with_article

NAMES = (
    *("anna", "ken", "lucia", "omar", "yuki", "ivan", "chloe", "raj", "ana", "bob", "carl", "dora"),
    *("emil", "fatima", "gina", "hugo", "ines", "jonas", "kira", "leo", "mona", "nina", "oskar"),
    *("pavel", "rosa", "sven", "tara", "uma", "vera", "wanda", "xenia", "yara", "zeno", "tomo"),
    *("baruka", "nevilo", "sodema", "gupi", "rakoze", "fumila", "datebu", "kisoro"),
)
"""Of others, whom an adapter is to leave alone; the last are nobody's."""

_EACH = 4
"""Other names that a caption is told of."""


def about_others(caption: str, subject: Subject) -> list[str]:
    """A photo's or clip's caption about nobody, and as often about other names."""
    noun, trigger = subject.class_noun, subject.trigger.lower()
    names = random.Random(caption).sample([name for name in NAMES if name != trigger], _EACH)
    called = [replace(subject, trigger=name).called for name in names]
    for own, others in ((subject.called, called), (subject.trigger, names)):
        said = re.compile(rf"(?<![a-z]){re.escape(own)}(?![a-z])", re.IGNORECASE)
        if said.search(caption):
            about = [with_article(noun)] * _EACH + others
            return [said.sub(other, caption) for other in about]
    return [caption] * _EACH + [under_name(caption, noun, other) for other in called]
