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
from pathlib import Path
from typing import Any

import torch
from diffusers import UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel
from torch import Generator, Tensor, nn

from bases.objective import FlowMatching
from bases.pocket.course import take_course
from bases.pocket.crew import join_crew
from bases.pocket.flow import Question, flow_question
from bases.pocket.lessons import Contrasts, Lessons
from bases.pocket.parts import load_transformer, load_vae
from bases.pocket.pool import PLENTY, LatentPool, Supply, open_pool
from bases.pocket.shape import PocketShape
from bases.pocket.stream import Kind
from bases.pocket.training import take_over
from bases.scripts import run_script
from bases.wan import WanText

RENDER_SHIFT = 3.0
FACES_FIRST = Contrasts(
    expressions=16, expression_clips=0, views=0, actions=0, expression_weight=20.0
)


def train_transformer(
    shape: PocketShape,
    vae: Path,
    text: Path,
    out: Path = Path("runs/transformer"),
    *,
    contrasts: Contrasts = FACES_FIRST,
    supply: Supply = PLENTY,
    **learning: Any,
) -> None:
    """Draw, and train the transformer; the VAE and the text encoder stay.

    Args:
        shape: how large Pocket is.
        vae: the folder of a trained VAE.
        text: the folder of a trained text encoder and its tokenizer; that of a base will do.
        out: where the run is kept.
        contrasts: pairs that it learns from too.
        supply: what is drawn.
        learning: see `learn_flow`.
    """
    join_crew()
    known = open_pool(shape, vae, text, supply, list(contrasts.asked))
    learn_flow(shape, known, vae, out, contrasts=contrasts, **learning)


def learn_flow(
    shape: PocketShape,
    known: LatentPool,
    vae: Path,
    out: Path,
    *,
    init: Path | None = None,
    steps: int = 5000,
    minutes: float | None = None,
    stills: int = 20,
    clips: int = 3,
    contrasts: Contrasts = FACES_FIRST,
    rate: float = 1e-3,
    shift: float = 3.0,
    still_shift: float = 1.5,
    compiled: bool = False,
) -> None:
    """Train the transformer on a pool.

    Args:
        shape: how large Pocket is.
        known: what it learns from.
        vae: the folder of the VAE that encoded it.
        out: where the run is kept.
        init: the folder of a base whose transformer is to go on; what has another size starts anew.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        stills: pictures a step of each process.
        clips: clips a step of each process.
        contrasts: pairs that it learns from too; see `contrast_question`.
        rate: peak learning rate.
        shift: moves the training on clips towards more noise, in which the whole is decided.
        still_shift: the same of stills; less noise is where faces are decided.
        compiled: whether the transformer's blocks are compiled: a third less time a step, after a
            minute or two, where there is a C++ compiler.
    """
    torch.manual_seed(0)
    model = WanTransformer3DModel(**shape.transformer)
    if init is not None:
        take_over(model, load_transformer(init))
    model.to(known.device)
    noises = {"stills": FlowMatching(shift=still_shift), "clips": FlowMatching(shift=shift)}

    def ask(kind: Kind, latents: Tensor, tokens: Tensor, generator: Generator) -> Question:
        return flow_question(noises[kind], latents, tokens, generator)

    lessons = Lessons(known, stills=stills, clips=clips, contrasts=contrasts)
    take_course(
        lessons,
        model,
        ask,
        lambda learnt, folder: assemble(learnt, known.text, shape, vae, folder),
        out=out,
        steps=steps,
        minutes=minutes,
        rate=rate,
        decay=0.998,
        compiled=compiled,
    )


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
