"""Teach a base's text encoder further languages; the transformer stays as it is.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 \
        -m bases.pocket.train_languages --shape configs/pocket/64.yaml \
        --base bases/pocket/weights/base --out runs/languages

A prompt in another language is to draw what the same one does in plain English. So the base is
shown a picture in noise and a caption in any of the shape's languages, and is to predict of it what
it did of the English caption before, and to change that as it did where one word is another; the
error goes through the transformer, which learns nothing, into the text encoder. Beside that the
encoder learns to say what a caption shows and whose name is in it, and to read English as before.
Run it again to go on where it stopped. It ends with `runs/languages/pocket/`.
"""

from __future__ import annotations

import copy
import json
import random
from functools import partial
from itertools import product, zip_longest
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import torch
from torch import Generator, Tensor, nn
from tqdm import tqdm

from bases.objective import FlowMatching
from bases.pocket.casting import Casting, Choice, casting, draw_cast, names_of, pairs
from bases.pocket.crew import crew_rank, crew_seed, join_crew, share_gradients
from bases.pocket.flow import flow, noised
from bases.pocket.latents import encode, load_codec
from bases.pocket.muon import optimizers_for
from bases.pocket.parts import load_text, load_transformer
from bases.pocket.shape import PocketShape
from bases.pocket.tokenizer import with_languages
from bases.pocket.train_text import Reader, moved_by, new_name
from bases.pocket.train_transformer import assemble
from bases.pocket.training import Run, attention, autocast, best_device, descend, run_script
from bases.pocket.world import Scene, caption
from bases.pocket.world.captions import Outline, called, draw_outline
from bases.wan import WanText, embed_prompts, embed_tokens, token_ids

Other = Literal["all", Choice]
"""What the two scenes of a pair differ in."""

_SEED = 140_000_000
_STILLS, _CLIPS = 16, 4


class Batch(NamedTuple):
    """Pictures of one kind, and scenes that differ from theirs in one way.

    Attributes:
        other: in which way.
        latents: of the first scenes (B, C, F, H, W).
        first: what is shown.
        second: what is not.
    """

    other: Other
    latents: Tensor
    first: Scene
    second: Scene


def train_languages(
    shape: PocketShape,
    base: Path,
    out: Path = Path("runs/languages"),
    *,
    steps: int = 1000,
    minutes: float | None = None,
    batches: int = 40,
    rate: float = 1e-3,
    tether: float = 2.0,
    seed: int = 0,
) -> None:
    """Train the text encoder.

    Args:
        shape: how large Pocket is, and which languages it is to know.
        base: the folder of a base that knows English.
        out: where the run is kept.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        batches: that each process draws beforehand of each way in which scenes differ, half of them
            of 16 stills and half of 4 clips.
        rate: peak learning rate.
        tether: what it counts that English is read otherwise than before.
        seed: from 0 to 4; a run with another one sees other examples.
    """
    join_crew()
    torch.manual_seed(0)
    device = best_device()
    transformer = load_transformer(base).to(device).requires_grad_(False)
    known = load_text(base, device)
    text, reader = _learner(known, shape), Reader(shape.text["d_model"]).to(device)
    learning = nn.ModuleList([text.encoder, reader])
    optimizers = optimizers_for(learning, rate)
    run = Run(out, steps=steps, minutes=minutes, parts={"learning": learning, **optimizers})
    shown, errors = _draw(shape, base / "vae", batches, seed, device), dict[str, Tensor]()
    for step in run:
        number = crew_seed(step, seed)
        rng, generator = random.Random(number), Generator().manual_seed(number)
        batch = shown[step % len(shown)]
        plain, said, named = _captions(batch, shape, rng)
        words = embed_prompts(text, said)
        new = {
            f"gap: {batch.other}": gap(transformer, known, batch, plain, words, generator),
            "scenes": reader.scenes_error(words, batch.first.and_rows(batch.second).to(device)),
            "moved": tether * moved_by(_as_before(text, known, plain), known, plain),
        }
        if named:
            new["names"] = reader.names_error(words.unflatten(0, (2, -1))[:, :named].flatten(0, 1))
        torch.stack(list(new.values())).sum().backward()
        share_gradients(learning.parameters())
        descend(optimizers, run.rate(rate))
        errors |= {name: error.detach() for name, error in new.items()}
        if step % 20 == 19:
            run.log(step + 1, **errors)
        if run.has_saved and run.progress < 1 and crew_rank() == 0:
            assemble(transformer, text, shape, base / "vae", out / "pocket")
    if crew_rank() == 0:
        run.plot()
        assemble(transformer, text, shape, base / "vae", out / "pocket")
        print(f"Wrote {out / 'pocket'}.")


def gap(
    transformer: nn.Module,
    known: WanText,
    batch: Batch,
    plain: list[str],
    words: Tensor,
    generator: Generator,
) -> Tensor:
    """How far off is what captions draw from what the plain English ones draw.

    0 is not at all. Where two scenes have nothing in common, 1 is as far as the one's flow is from
    the other's; where they differ in one choice, 1 is as if that word were not heard.

    Args:
        transformer: predicts the flow.
        known: reads the plain captions.
        batch: B pictures and pairs of scenes.
        plain: captions in plain English of the B first scenes, then of the B second ones.
        words: other captions of the same scenes, embedded (2 × B, L, D).
        generator: a CPU generator, of the noise and its levels.
    """
    noisy, _, sigmas = noised(FlowMatching(shift=2.0), batch.latents, generator)
    twice = torch.cat((noisy, noisy)), torch.cat((sigmas, sigmas))
    with autocast(noisy.device), attention(noisy.device):
        drawn = flow(transformer, *twice, words)
        with torch.no_grad():
            wanted = flow(transformer, *twice, embed_prompts(known, plain))
    change = _change(wanted)
    off = drawn - wanted if batch.other == "all" else _change(drawn) - change
    return off.square().mean() / change.square().mean()


def _change(flows: Tensor) -> Tensor:
    first, second = flows.chunk(2)
    return first - second


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


def _draw(
    shape: PocketShape, vae: Path, batches: int, seed: int, device: torch.device
) -> list[Batch]:
    codec = load_codec(vae, device)
    choices = [c for c in get_args(Choice) if len({*names_of(c, shape.world)}) > 1]
    wanted = list(product(range(batches), ["all", *choices]))
    shown = list[Batch]()
    for index, (row, other) in enumerate(tqdm(wanted, "drawn", disable=crew_rank() > 0)):
        count, frames = (_STILLS, 1) if row % 2 == 0 else (_CLIPS, shape.frames)
        cast, second = _scenes(other, _SEED + crew_seed(index, seed), count, shape)
        latents = encode(codec, *draw_cast(cast, shape, frames, device)).latents
        shown.append(Batch(other, latents, cast.scene, second))
    return shown


def _scenes(other: Other, seed: int, count: int, shape: PocketShape) -> tuple[Casting, Scene]:
    """Who is seen, and what else could be."""
    if other == "all":
        look, scene = casting(seed, 2 * count, shape)
        return Casting(look[:count], scene[:count]), scene[count:]
    (first, second), _ = pairs(other, seed, count, shape, random.Random(seed))
    return first, second.scene


def _captions(
    batch: Batch, shape: PocketShape, rng: random.Random
) -> tuple[list[str], list[str], int]:
    """Of the first scenes, then of the second ones: in plain English, and as people say it.

    Both name the same things. The third is how many of the first scenes have made-up names, by
    which those of as many second ones, which have nothing else in common, go too.
    """
    count = len(batch.latents)
    names = [new_name(rng) for _ in range(count // 2)] if batch.other == "all" else []
    ways = [
        (draw_outline(rng, batch.other), rng.choice(shape.languages), rng.random())
        for _ in range(count)
    ]
    plain, said = list[str](), list[str]()
    for scene in (batch.first, batch.second):
        for row, (name, (outline, language, way)) in enumerate(zip_longest(names, ways)):
            told = partial(_told, scene, row, name, outline)
            plain.append(told("en", None))
            said.append(told(language, random.Random(way)))
    return plain, said, len(names)


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


if __name__ == "__main__":
    run_script(train_languages)
