"""Whether the audit helps: adapters trained with it and without it, on sets with planted faults.

    python -m benchmarks.audit_helps --sets 4 --out runs/audit_helps

Each set holds seven good photos of one individual and five faulty ones. Without the audit all in
which a face is found are learnt, the stranger's among them. Clips are compared with the good photos
in both cases.
"""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf
from pathlib import Path
from statistics import median

import numpy as np
from jsonargparse import auto_cli

from bases.hub import open_base
from benchmarks.planted import PlantedSet, planted_set
from finetune.train import train
from inference.likeness import clip_embeddings, likeness
from inference.render import Clip, Renderer
from studio.quiet import hush
from studio.subjects import face_finder
from studio.tables import show_table
from studio.training import arguments
from subjects import POCKET, PUPPETS, Consent, Finder, Limits, add_subject, leave_one_out

PROMPTS = (
    "waving at the beach, close-up",
    "walking in the forest, close-up",
    "clapping in a room, close-up",
)
ANYTHING = replace(PUPPETS, min_side=1, min_face=0, same_person=-1.0, max_blur=inf, same_face=2.0)
"""Limits that every photo keeps in which a face is found."""


def measure(sets: int = 4, out: Path = Path("runs/audit_helps"), first: int = 0) -> None:
    """Train on each set twice, and print the likeness of both adapters.

    Args:
        sets: how many; half of them have bystanders.
        out: keeps what was trained, and `audit_helps.json`; what is there is not made again.
        first: the number of the first.
    """
    hush()
    finder = face_finder(POCKET)
    rows = []
    for number in range(first, first + sets):
        planted = planted_set(number, bystanders=number % 2 == 1)
        row = {}
        for name, limits in (("with", PUPPETS), ("without", ANYTHING)):
            kept = out / f"{number}-{name}" / "likeness.json"
            if not kept.is_file():
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_text(json.dumps(_likeness(planted, limits, kept.parent, finder)))
            row[name] = json.loads(kept.read_text())
        rows.append(row)
    (out / "audit_helps.json").write_text(json.dumps(rows, indent=2) + "\n")
    table = [
        (str(first + i), f"{r['with']:.2f}", f"{r['without']:.2f}") for i, r in enumerate(rows)
    ]
    middle = [f"{median(row[name] for row in rows):.2f}" for name in ("with", "without")]
    show_table(("set", "with the audit", "without"), [*table, ("median", *middle)])


def _likeness(planted: PlantedSet, limits: Limits, home: Path, finder: Finder) -> float:
    """Median likeness of an adapter's clips, as a share of the good photos' ceiling."""
    subject = add_subject(
        "mira",
        planted.write(home / "photos"),
        home=home,
        consent=Consent.today("a drawing", "synthetic"),
        faces=finder,
        limits=limits,
        face_package=POCKET,
        held_out=0,
    )
    adapter = train(arguments("mira", base=POCKET, config=None, extra=[], home=home))
    good = [p for p, fault in zip(planted.pictures, planted.faults, strict=True) if fault is None]
    found = (finder.find(picture) for picture in good)
    own = np.stack([faces[0].embedding for faces in found if faces])
    renderer = Renderer(open_base(POCKET))
    with renderer.adapter(adapter):
        clips = [
            renderer.render(f"{subject.called}, {prompt}", Clip(seed=seed))
            for seed, prompt in enumerate(PROMPTS)
        ]
    best = float(np.median(leave_one_out(own)))
    return median(likeness(clip_embeddings(clip, finder), own).median for clip in clips) / best


if __name__ == "__main__":
    auto_cli(measure, as_positional=False)
