"""Train Pocket's transformer, on latents of the world and what the text encoder makes of captions.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 \
        -m bases.pocket.train_transformer --shape configs/pocket/64.yaml \
        --vae runs/vae/vae --text runs/text --out runs/transformer

That is for two CPU cores; one GPU wants `python` in torchrun's place. Run it again to go on where
it stopped. It ends with `runs/transformer/pocket/`, a whole base that
`WanPipeline.from_pretrained` loads.
"""

from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from torch import nn

from bases.objective import FlowMatching
from bases.pocket.contrasts import contrast_error, fill_contrasts
from bases.pocket.crew import crew_rank, crew_seed, join_crew, share_gradients
from bases.pocket.flow import flow_error, learn
from bases.pocket.latents import Encoded
from bases.pocket.muon import optimizers_for
from bases.pocket.parts import load_transformer, load_vae
from bases.pocket.pool import Lessons
from bases.pocket.shape import PocketShape
from bases.pocket.training import (
    Run,
    averaged,
    best_device,
    descend,
    run_script,
    take_over,
)
from bases.wan import WanText, embed_tokens

RENDER_SHIFT = 3.0
_NAMES = "stills", "clips"


def train_transformer(
    shape: PocketShape,
    vae: Path,
    text: Path,
    out: Path = Path("runs/transformer"),
    *,
    init: Path | None = None,
    steps: int = 5000,
    minutes: float | None = None,
    stills: int = 20,
    clips: int = 3,
    pairs: int = 16,
    pool: int = 1200,
    makers: int = 0,
    rate: float = 1e-3,
    dropout: float = 0.1,
    subject_weight: float = 2.0,
    face_weight: float = 4.0,
    pair_weight: float = 20.0,
    shift: float = 3.0,
    still_shift: float = 1.5,
    seed: int = 0,
    compiled: bool = False,
) -> None:
    """Train the transformer; the VAE and the text encoder stay.

    Args:
        shape: how large Pocket is.
        vae: the folder of a trained VAE.
        text: the folder of a trained text encoder and its tokenizer; that of a base will do.
        out: where the run is kept.
        init: the folder of a base whose transformer is to go on; what has another size starts anew.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        stills: pictures a step of each process.
        clips: clips a step of each process.
        pairs: of stills a step of each process that differ in the expression alone; 0 for none, as
            in a world without people.
        pool: clips that are drawn and encoded beforehand in each process, four times as many stills
            and as many pairs.
        makers: other processes that draw them; 0 for this one alone. One GPU wants 8.
        rate: peak learning rate.
        dropout: share of prompts that are left empty, for classifier-free guidance.
        subject_weight: what an error on the subject counts beyond one on the place.
        face_weight: what one on the face counts beyond one elsewhere on the subject: an expression
            is a few pixels.
        pair_weight: what the difference between the two of a pair counts; see `contrasts`.
        shift: moves the training on clips towards more noise, in which the whole is decided.
        still_shift: the same of stills; less noise is where faces are decided.
        seed: from 0 to 4; a run with another one sees other examples.
        compiled: whether the transformer's blocks are compiled: a third less time a step, after a
            minute or two, where there is a C++ compiler.
    """
    join_crew()
    torch.manual_seed(0)
    device = best_device()
    model = WanTransformer3DModel(**shape.transformer)
    if init is not None:
        take_over(model, load_transformer(init))
    model.to(device)
    average = averaged(model, 0.998)
    if compiled:
        model.compile_repeated_blocks(dynamic=False)
    optimizers = optimizers_for(model, rate)
    drawn = {"makers": makers, "device": device, "seed": seed}
    lessons = Lessons(shape, vae, text, pool, **drawn)
    contrasts = None
    if pairs and "person" in shape.world.kind:
        contrasts = fill_contrasts(shape, vae, text, pool, **drawn)
    counts = partial(Encoded.weights, subject=subject_weight, face=face_weight)
    objectives = FlowMatching(shift=still_shift), FlowMatching(shift=shift)
    parts = {"model": model, "average": average, **optimizers}
    run = Run(out, steps=steps, minutes=minutes, parts=parts)
    for step in run:
        generator = torch.Generator().manual_seed(crew_seed(step, seed))
        losses = {}
        shown = lessons.some(stills, clips, dropout, generator)
        for name, objective, (seen, words) in zip(_NAMES, objectives, shown, strict=True):
            error_of = partial(flow_error, model, words, objective, seen.latents, generator)
            losses[name] = learn(error_of, counts(seen), 1 / 2)
        if contrasts is not None:
            first, second, tokens = contrasts.some(pairs, generator, device)
            words = embed_tokens(lessons.text, tokens)
            both = first.latents, second
            error_of = partial(contrast_error, model, words, objectives[1], *both, generator)
            losses["pairs"] = learn(error_of, counts(first), pair_weight / 2)
        share_gradients(model.parameters())
        descend(optimizers, run.rate(rate))
        average.update_parameters(model)
        if step % 20 == 19:
            run.log(step + 1, **losses)
        if run.has_saved and crew_rank() == 0:
            assemble(average.module, lessons.text, shape, vae, out / "pocket")
    if crew_rank() > 0:
        return
    run.plot()
    assemble(average.module, lessons.text, shape, vae, out / "pocket")
    print(f"Wrote {out / 'pocket'}.")


def assemble(
    transformer: nn.Module,
    text: WanText,
    shape: PocketShape,
    vae: Path,
    folder: Path,
) -> None:
    """Write the whole base in diffusers' layout, in bfloat16, in files under 16 MB."""
    pipe = WanPipeline(
        tokenizer=text.tokenizer,
        text_encoder=_half(text.encoder),
        vae=_half(load_vae(vae)),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=RENDER_SHIFT
        ),
        transformer=_half(transformer),
    )
    pipe.save_pretrained(folder, max_shard_size="15MB")
    clip = {"height": shape.size, "width": shape.size, "frames": shape.frames, "fps": shape.fps}
    (folder / "starring.json").write_text(json.dumps({**clip, "steps": 20, "guidance": 1.0}) + "\n")


def _half(model: Any) -> Any:
    return copy.deepcopy(model).to(torch.bfloat16)


if __name__ == "__main__":
    run_script(train_transformer)
