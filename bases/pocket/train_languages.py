"""Teach a base's text encoder languages or wordings; the transformer stays as it is.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 \
        -m bases.pocket.train_languages --shape configs/pocket/128.yaml \
        --base bases/pocket/weights/base --out runs/languages

A prompt in another language is to draw what the same one does in plain English. So the encoder
learns that what each of the transformer's blocks takes from a caption, in any of the shape's
languages, is what it took of the English one before, and changes as it did where one word is
another. Beside that it learns to say what a caption shows and whose name is in it, and to read
English as before. Run it again to go on where it stopped. It ends with `runs/languages/pocket/`.

A base that learnt several languages from the start, but draws some wordings worse than others,
learns with `--free 2 --new_tokens false` to hear every caption, plain or free, as two free English
ones of the same on average.
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
from jsonargparse.typing import NonNegativeInt, PositiveFloat, PositiveInt
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
from bases.pocket.training import Run, best_device, descend
from bases.pocket.world import Repertoire, Scene, caption, sample_scenes
from bases.pocket.world.captions import Outline, called, draw_outline
from bases.pocket.world.scenes import CHOICES
from bases.scripts import run_script
from bases.wan import WanText, embed_prompts, embed_tokens, token_ids

_SEED, _TRIES = 140_000_000, 32
_COUNTS = {"gap": 10.0, "scenes": 0.2, "moved": 5.0, "names": 1.0}
"""What the errors count: were the reader's to count for more, tokens would come to tell it what the
transformer does not understand."""

_EMBEDDINGS = 5.0
"""How much faster tokens' embeddings learn than all else, for each is seen so much less often."""

_FEW = 4
"""Of so many known captions one is also read as before."""


class Captions(NamedTuple):
    """What is said of B pairs of scenes: of the first ones, then of the second ones.

    Attributes:
        other: what the two of a pair differ in, such as "place"; "all" if they are unlike.
        scenes: the 2 × B scenes.
        known: their captions in English, in one or several wordings.
        said: what names the same things, in any language and wording.
        named: how many of the first ones, and as many of the second ones, go by made-up names,
            which are the same in both.
    """

    other: str
    scenes: Scene
    known: list[list[str]]
    said: list[str]
    named: int


def train_languages(
    shape: PocketShape,
    base: Path,
    out: Path = Path("runs/languages"),
    *,
    steps: PositiveInt = 1000,
    minutes: PositiveFloat | None = None,
    captions: PositiveInt = 96,
    places: PositiveInt = 16,
    free: NonNegativeInt = 0,
    new_tokens: bool = True,
    rate: PositiveFloat = 1e-3,
    seed: NonNegativeInt = 0,
) -> None:
    """Train the text encoder.

    Args:
        shape: how large Pocket is, and which languages it is to know.
        base: the folder of a base that knows English.
        out: where the run is kept.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        captions: read in a step of each process, and as many known ones in each wording.
        places: in pictures, at which each block hears the captions of a step.
        free: free wordings of the English captions that others are to be heard as, on average; 0
            for the plain one.
        new_tokens: whether the tokenizer first learns tokens of the languages beside English.
        rate: peak learning rate.
        seed: from 0 to 4; a run with another one sees other examples.

    Raises:
        BaseModelError: if a step has fewer than 8 captions, so that no two names are in any, or
            `free` is below 0.
    """
    if captions < 8:
        raise BaseModelError(f"captions={captions}: give at least 8, for two names are in two.")
    if free < 0:
        raise BaseModelError(f"free={free}: give 0 for plain English, or a number of wordings.")
    join_crew()
    torch.manual_seed(0)
    device = best_device()
    transformer = load_transformer(base).to(device).requires_grad_(False)
    known = load_text(base, device)
    more = [language for language in shape.languages if language != "en"] if new_tokens else []
    text, reader = _learner(known, more), Reader(known.encoder.config.d_model).to(device)
    learning = nn.ModuleList([text.encoder, reader])
    optimizers = optimizers_for(learning, rate)
    run = Run(out, steps=steps, minutes=minutes, parts={"learning": learning, **optimizers})
    ears = open_ears(transformer, known, shape, base / "vae")
    others, errors = others_in(shape.world), dict[str, Tensor]()
    for step in run:
        number = crew_seed(step, seed)
        rng, generator = random.Random(number), Generator().manual_seed(number)
        other = others[step % len(others)]
        read = draw_captions(other, number, captions // 2, shape, rng, free)
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
    words, few = embed_prompts(text, read.said), read.known[0][::_FEW]
    with torch.no_grad():
        heard = [ears.hear(embed_prompts(known, wording)) for wording in read.known]
    wanted = torch.stack(heard).mean(0)
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
    other: str, number: int, count: int, shape: PocketShape, rng: random.Random, free: int = 0
) -> Captions:
    """Pairs of scenes, and what is said of them.

    Where the known captions are worded freely, half of what is said is said plainly.

    Args:
        other: in which way the two of a pair differ.
        number: below ten million, of the scenes.
        count: how many pairs.
        shape: of the world, and its languages.
        rng: draws languages, wordings and names.
        free: wordings of the known captions; 0 for the plain one.
    """
    first, second = _pairs(other, _SEED + number, count, shape.world)
    names = [new_name(rng) for _ in range(count // 2)] if other == "all" else []
    ways = [
        _Way(draw_outline(rng, other), rng.choice(shape.languages), _wordings(free, rng))
        for _ in first.kind
    ]
    known, said = [list[str]() for _ in range(max(free, 1))], list[str]()
    for scene in (first, second):
        for row, (name, way) in enumerate(zip_longest(names, ways)):
            *before, now = way.wordings
            told = partial(_told, scene, row, name, way.outline)
            said.append(told(way.language, now))
            for captions, wording in zip(known, before, strict=True):
                captions.append(told("en", wording))
    return Captions(other, first.and_rows(second), known, said, len(names))


class _Way(NamedTuple):
    """How the two scenes of a pair are told.

    Attributes:
        outline: what is said, in which order.
        language: of what is said in any.
        wordings: of the known captions and then of that one, drawn by these numbers; None is plain.
    """

    outline: Outline
    language: str
    wordings: list[float | None]


def _wordings(free: int, rng: random.Random) -> list[float | None]:
    if not free:
        return [None, rng.random()]
    return [*(rng.random() for _ in range(free)), rng.choice([None, rng.random()])]


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
    wording: float | None,
) -> str:
    rng = None if wording is None else random.Random(wording)
    subject = None if name is None else called(name, scene, row, language=language, rng=rng)
    return caption(scene, row, language=language, subject=subject, rng=rng, outline=outline)


def _learner(known: WanText, more: list[str]) -> WanText:
    """A text encoder that begins as another; tokens of more languages as their two halves' mean."""
    tokenizer = with_languages(known.tokenizer, more) if more else known.tokenizer
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
