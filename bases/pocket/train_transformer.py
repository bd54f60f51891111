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
from bases.pocket.contrasts import contrast_error, expression_pairs
from bases.pocket.crew import crew_rank, crew_seed, join_crew, share_gradients
from bases.pocket.flow import flow_error, learn
from bases.pocket.lessons import encode_pool, lessons
from bases.pocket.muon import optimizers_for
from bases.pocket.parts import load_text, load_transformer, load_vae
from bases.pocket.shape import PocketShape
from bases.pocket.still_convolutions import speed_up
from bases.pocket.training import (
    Run,
    averaged,
    best_device,
    descend,
    run_script,
    take_over,
)
from bases.wan import WanText

RENDER_SHIFT = 3.0


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
        stills: pictures a step of each process, each drawn once and never again.
        clips: clips a step of each process, from a pool that is drawn and encoded once.
        pairs: of stills a step of each process that differ in the expression alone; 0 for none, as
            in a world without people.
        pool: clips in the pool of each process.
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
    codec = load_vae(vae).to(device).eval()
    speed_up(codec)
    words = load_text(text, device)
    model = WanTransformer3DModel(**shape.transformer)
    if init is not None:
        take_over(model, load_transformer(init))
    model.to(device)
    average = averaged(model, 0.998)
    if compiled:
        model.compile_repeated_blocks(dynamic=False)
    optimizers = optimizers_for(model, rate)
    out.mkdir(parents=True, exist_ok=True)
    known = encode_pool(codec, shape, pool, out / f"pool-{crew_rank()}.pt", device, seed)
    objectives = FlowMatching(shift=still_shift), FlowMatching(shift=shift)
    parts = {"model": model, "average": average, **optimizers}
    run = Run(out, steps=steps, minutes=minutes, parts=parts)
    for step in run:
        generator = torch.Generator().manual_seed(crew_seed(step, seed))
        batches = lessons(
            crew_seed(step, seed), codec, known, shape, stills=stills, clips=clips, dropout=dropout
        )
        losses = [
            learn(
                partial(flow_error, model, words, objective, seen.latents, prompts, generator),
                seen.weights(subject_weight, face_weight),
                1 / len(batches),
            )
            for objective, (seen, prompts) in zip(objectives, batches, strict=True)
        ]
        if pairs and "person" in shape.world.kind:
            shown = expression_pairs(crew_seed(step, seed), codec, pairs, shape)
            losses.append(
                learn(
                    partial(contrast_error, model, words, objectives[1], shown, generator),
                    shown.first.weights(subject_weight, face_weight),
                    pair_weight / len(batches),
                )
            )
        share_gradients(model.parameters())
        descend(optimizers, run.rate(rate))
        average.update_parameters(model)
        if step % 20 == 19:
            run.log(step + 1, **dict(zip(("stills", "clips", "pairs"), losses, strict=False)))
        if (step + 1) % 500 == 0 and crew_rank() == 0:
            assemble(average.module, words, shape, vae, out / "pocket")
    if crew_rank() > 0:
        return
    run.plot()
    assemble(average.module, words, shape, vae, out / "pocket")
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
