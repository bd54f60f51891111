"""Teach a base's text encoder further languages; the transformer stays as it is.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 \
        -m bases.pocket.train_languages --shape configs/pocket/64.yaml \
        --base bases/pocket/weights/base --out runs/languages

A prompt in another language is to draw what the same one does in plain English. So the encoder
learns that what each of the transformer's blocks takes from a caption, in any of the shape's
languages, is what it took of the English one before, and changes as it did where one word is
another. Beside that it learns to say what a caption shows and whose name is in it, and to read
English as before. Run it again to go on where it stopped. It ends with `runs/languages/pocket/`.
"""

from __future__ import annotations

import copy
import json
import random
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from bases.errors import BaseModelError
from bases.pocket.crew import crew_rank, crew_seed, join_crew, share_gradients
from bases.pocket.ears import Ears, gap, open_ears
from bases.pocket.muon import optimizers_for
from bases.pocket.parts import load_text, load_transformer
from bases.pocket.shape import PocketShape
from bases.pocket.tokenizer import with_languages
from bases.pocket.train_text import Reader, moved_by, new_name
from bases.pocket.train_transformer import assemble
from bases.pocket.training import Run, best_device, descend, run_script
from bases.pocket.world import Repertoire, Scene, caption, sample_scenes
from bases.pocket.world.captions import Outline, called, draw_outline
from bases.pocket.world.scenes import CHOICES
from bases.wan import WanText, embed_prompts, embed_tokens, token_ids

_SEED, _TRIES = 140_000_000, 32
_COUNTS = {"gap": 10.0, "scenes": 0.2, "moved": 5.0, "names": 1.0}
"""What the errors count: were the reader's to count for more, tokens would come to tell it what the
transformer does not understand."""

_EMBEDDINGS = 5.0
"""How much faster tokens' embeddings learn than all else, for each is seen so much less often."""

_FEW = 4
"""Of so many plain captions one is also read as before."""


class Captions(NamedTuple):
    """What is said of B pairs of scenes: of the first ones, then of the second ones.

    Attributes:
        other: what the two of a pair differ in, such as "place"; "all" if they are unlike.
        scenes: the 2 × B scenes.
        plain: their captions in plain English.
        said: what names the same things, in any language and wording.
        named: how many of the first ones, and as many of the second ones, go by made-up names,
            which are the same in both.
    """

    other: str
    scenes: Scene
    plain: list[str]
    said: list[str]
    named: int


def train_languages(
    shape: PocketShape,
    base: Path,
    out: Path = Path("runs/languages"),
    *,
    steps: int = 1000,
    minutes: float | None = None,
    captions: int = 96,
    places: int = 16,
    rate: float = 1e-3,
    seed: int = 0,
) -> None:
    """Train the text encoder.

    Args:
        shape: how large Pocket is, and which languages it is to know.
        base: the folder of a base that knows English.
        out: where the run is kept.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        captions: read in a step of each process, and as many in plain English.
        places: in pictures, at which each block hears the captions of a step.
        rate: peak learning rate.
        seed: from 0 to 4; a run with another one sees other examples.

    Raises:
        BaseModelError: if a step has fewer than 8 captions, so that no two names are in any.
    """
    if captions < 8:
        raise BaseModelError(f"captions={captions}: give at least 8, for two names are in two.")
    join_crew()
    torch.manual_seed(0)
    device = best_device()
    transformer = load_transformer(base).to(device).requires_grad_(False)
    known = load_text(base, device)
    text, reader = _learner(known, shape), Reader(known.encoder.config.d_model).to(device)
    learning = nn.ModuleList([text.encoder, reader])
    optimizers = optimizers_for(learning, rate)
    run = Run(out, steps=steps, minutes=minutes, parts={"learning": learning, **optimizers})
    ears = open_ears(transformer, known, shape, base / "vae")
    others, errors = others_in(shape.world), dict[str, Tensor]()
    for step in run:
        number = crew_seed(step, seed)
        rng, generator = random.Random(number), Generator().manual_seed(number)
        read = draw_captions(others[step % len(others)], number, captions // 2, shape, rng)
        new = _errors(text, known, reader, ears.some(places, generator), read)
        torch.stack([_COUNTS[name] * error for name, error in new.items()]).sum().backward()
        share_gradients(learning.parameters())
        descend({"muon": optimizers["muon"]}, run.rate(rate))
        descend({"adamw": optimizers["adamw"]}, _EMBEDDINGS * run.rate(rate))
        new[f"gap: {read.other}"] = new.pop("gap")
        errors |= {name: error.detach() for name, error in new.items()}
        if step % 20 == 19:
            run.log(step + 1, **errors)
        if run.has_saved and run.progress < 1 and crew_rank() == 0:
            assemble(transformer, text, shape, base / "vae", out / "pocket")
    if crew_rank() == 0:
        run.plot()
        assemble(transformer, text, shape, base / "vae", out / "pocket")
        print(f"Wrote {out / 'pocket'}.")


def _errors(
    text: WanText, known: WanText, reader: Reader, ears: Ears, read: Captions
) -> dict[str, Tensor]:
    words, few = embed_prompts(text, read.said), read.plain[::_FEW]
    with torch.no_grad():
        wanted = ears.hear(embed_prompts(known, read.plain))
    errors = {
        "gap": gap(ears.hear(words), wanted, alike=read.other != "all"),
        "scenes": reader.scenes_error(words, read.scenes.to(words.device)),
        "moved": moved_by(_as_before(text, known, few), known, few),
    }
    if read.named:
        named = words.unflatten(0, (2, -1))[:, : read.named].flatten(0, 1)
        errors["names"] = reader.names_error(named)
    return errors


def others_in(world: Repertoire) -> list[str]:
    """The ways in which pairs of scenes can differ: in all, or in one choice that there is."""

    def differ(choice: str) -> bool:
        of_kinds = map(world.actions_of, world.kind)
        names = of_kinds if choice == "action" else [getattr(world, choice)]
        return any(len(set(known)) > 1 for known in names)

    return ["all", *(choice for choice in CHOICES if choice != "kind" and differ(choice))]


def draw_captions(
    other: str, number: int, count: int, shape: PocketShape, rng: random.Random
) -> Captions:
    """Pairs of scenes, and what is said of them.

    Args:
        other: in which way the two of a pair differ.
        number: below ten million, of the scenes.
        count: how many pairs.
        shape: of the world, and its languages.
        rng: draws languages, wordings and names.
    """
    first, second = _pairs(other, _SEED + number, count, shape.world)
    names = [new_name(rng) for _ in range(count // 2)] if other == "all" else []
    ways = [
        (draw_outline(rng, other), rng.choice(shape.languages), rng.random()) for _ in first.kind
    ]
    plain, said = list[str](), list[str]()
    for scene in (first, second):
        for row, (name, (outline, language, way)) in enumerate(zip_longest(names, ways)):
            told = partial(_told, scene, row, name, outline)
            plain.append(told("en", None))
            said.append(told(language, random.Random(way)))
    return Captions(other, first.and_rows(second), plain, said, len(names))


def _pairs(other: str, seed: int, count: int, world: Repertoire) -> tuple[Scene, Scene]:
    """Scenes, and what else could be; enough are drawn that most often there are so many."""
    scenes = sample_scenes(2 * _TRIES * count, Generator().manual_seed(seed), world)
    first, second = scenes[: _TRIES * count], scenes[_TRIES * count :]
    if other == "all":
        return first[:count], second[:count]
    now, then = getattr(first, other), getattr(second, other)
    rows = ((now != then) & (first.kind == second.kind)).nonzero()[:count, 0]
    return first[rows], first[rows].with_choice(other, then[rows])


def _told(
    scene: Scene,
    row: int,
    name: str | None,
    outline: Outline,
    language: str,
    rng: random.Random | None,
) -> str:
    subject = None if name is None else called(name, scene, row, language=language, rng=rng)
    return caption(scene, row, language=language, subject=subject, rng=rng, outline=outline)


def _learner(known: WanText, shape: PocketShape) -> WanText:
    """A text encoder that begins as another, with more tokens, each as its two halves' mean."""
    others = [language for language in shape.languages if language != "en"]
    tokenizer = with_languages(known.tokenizer, others) if others else known.tokenizer
    encoder = copy.deepcopy(known.encoder).requires_grad_(True)
    size = len(known.tokenizer)
    embedding = encoder.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    said = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    numbers = said["vocab"]
    with torch.no_grad():
        for one, other in said["merges"]:
            joined = numbers[one + other]
            if joined >= size:
                halves = [numbers[one], numbers[other]]
                embedding.weight[joined] = embedding.weight[halves].mean(0)
    return WanText(tokenizer, encoder)


def _as_before(text: WanText, known: WanText, prompts: list[str]) -> Tensor:
    """Prompts (B, L, D) as they come out if they are cut into the tokens of before."""
    return embed_tokens(text, token_ids(known.tokenizer, prompts))


if __name__ == "__main__":
    run_script(train_languages)
