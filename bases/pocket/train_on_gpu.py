"""Train all of Pocket but its text encoder on one GPU, while the machine's cores draw for it.

    python -m bases.pocket.train_on_gpu --shape configs/pocket/128.yaml --text runs/text \
        --out runs/pocket

One stage after the other, each for as long as it is given: the VAE, the transformer in its latents,
and the transformer without guidance; see `train_vae`, `train_transformer` and `train_guidance`. All
learn from one stream of drawings, which grows on the way. It ends with `runs/pocket/pocket/`.
"""

from __future__ import annotations

import copy
import time
from functools import partial
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from torch import Generator, Tensor

from bases.objective import FlowMatching
from bases.pocket.contrasts import contrast_error
from bases.pocket.flow import flow_error, learn, noised
from bases.pocket.latents import Encoded, encode
from bases.pocket.muon import optimizers_for
from bases.pocket.parts import load_text, load_vae
from bases.pocket.pool import packed, unpacked
from bases.pocket.shape import PocketShape
from bases.pocket.still_convolutions import forget_past, speed_up
from bases.pocket.stream import Growing, Kind, Stream
from bases.pocket.train_guidance import guidance_error
from bases.pocket.train_transformer import assemble
from bases.pocket.train_vae import psnr, start_quiet, unit_statistics, vae_loss
from bases.pocket.training import Run, averaged, best_device, descend, run_script, take_over
from bases.wan import embed_tokens, token_ids

_HELD_OUT = 12
_ROOM: dict[Kind, int] = {"stills": 240_000, "clips": 18_000, "pairs": 90_000}
_RAW_ROOM: dict[Kind, int] = {"stills": 110_000, "clips": 7_000, "pairs": 40_000}
_WEIGHTS = {"subject": 2.0, "face": 4.0}
_PAIR_WEIGHT = 20.0


def train_on_gpu(
    shape: PocketShape,
    text: Path,
    out: Path = Path("runs/pocket"),
    *,
    vae: Path | None = None,
    vae_minutes: float = 8.0,
    transformer_minutes: float = 14.0,
    guidance_minutes: float = 3.0,
    stills: int = 256,
    clips: int = 48,
    pairs: int = 128,
    rate: float = 1.5e-3,
    makers: int = 14,
    compiled: bool = True,
) -> None:
    """Train.

    Args:
        shape: how large Pocket is.
        text: the folder that `train_text` wrote.
        out: where everything is kept.
        vae: the folder of a VAE to go on from.
        vae_minutes: for the VAE.
        transformer_minutes: for the transformer.
        guidance_minutes: for what it learns of guidance.
        stills: pictures a step of the transformer.
        clips: clips a step of it.
        pairs: of stills a step that differ in the expression alone.
        rate: peak learning rate of the transformer.
        makers: processes that draw, each on one core.
        compiled: whether the transformer's blocks are compiled.
    """
    device = best_device()
    words = load_text(text, device)
    stream = Stream(shape, words, makers)
    raw = {kind: Growing(room, device) for kind, room in _RAW_ROOM.items()}
    codec = _trained_vae(shape, stream, raw, vae, out / "vae", vae_minutes, device)
    known = Known(codec, raw, stream, device)
    nothing = token_ids(words, [""]).to(device)
    model = WanTransformer3DModel(**shape.transformer).to(device)
    average = averaged(model, 0.998)
    if compiled:
        model.compile_repeated_blocks(dynamic=False)
    optimizers = optimizers_for(model, rate)
    counts = partial(Encoded.weights, **_WEIGHTS)
    objectives = {"stills": FlowMatching(shift=1.5), "clips": FlowMatching(shift=3.0)}
    numbers = {"stills": stills, "clips": clips}
    run = Run(out / "transformer", steps=10**9, minutes=transformer_minutes, parts={})
    for step in run:
        known.grow(2)
        generator = Generator().manual_seed(step)
        losses = {}
        for kind, objective in objectives.items():
            seen, said = known.some(kind, numbers[kind], nothing, generator)
            asked = (embed_tokens(words, said), objective, seen.latents, generator)
            losses[kind] = learn(partial(flow_error, model, *asked), counts(seen), 1 / 2)
        first, second, said = known.pairs(pairs, generator)
        told = (embed_tokens(words, said), objectives["clips"], first.latents, second, generator)
        error_of = partial(contrast_error, model, *told)
        losses["pairs"] = learn(error_of, counts(first), _PAIR_WEIGHT / 2)
        descend(optimizers, run.rate(rate))
        average.update_parameters(model)
        if step % 50 == 49:
            run.log(step + 1, **losses, **known.sizes())
        if run.has_saved:
            assemble(average.module, words, shape, out / "vae" / "vae", out / "plain")
    run.plot()
    teacher = copy.deepcopy(average.module).requires_grad_(False)
    model.load_state_dict(average.module.state_dict())
    average = averaged(average.module, 0.99)
    optimizers = optimizers_for(model, rate / 4)
    unsaid = embed_tokens(words, nothing)
    run = Run(out / "guidance", steps=10**9, minutes=guidance_minutes, parts={})
    for step in run:
        known.grow(2)
        generator = Generator().manual_seed(step)
        losses = {}
        for kind in objectives:
            seen, said = known.some(kind, numbers[kind], nothing, generator)
            noisy, _, sigmas = noised(objectives["clips"], seen.latents, generator)
            asked = (noisy, sigmas, embed_tokens(words, said), unsaid, 3.0)
            error_of = partial(guidance_error, model, teacher, *asked)
            losses[kind] = learn(error_of, counts(seen), 1 / 2)
        descend(optimizers, run.rate(rate / 4))
        average.update_parameters(model)
        if step % 50 == 49:
            run.log(step + 1, **losses)
    run.plot()
    assemble(average.module, words, shape, out / "vae" / "vae", out / "pocket")
    print(f"Wrote {out / 'pocket'}.", flush=True)


def _trained_vae(
    shape: PocketShape,
    stream: Stream,
    raw: dict[Kind, Growing],
    init: Path | None,
    out: Path,
    minutes: float,
    device: torch.device,
    *,
    stills: int = 192,
    clips: int = 16,
    rate: float = 2e-3,
) -> AutoencoderKLWan:
    """Train the VAE on what comes in, measure it on the first clips, and save it."""
    vae = AutoencoderKLWan(**shape.vae, **unit_statistics(shape)).to(device)
    start_quiet(vae)
    if init is not None:
        take_over(vae, load_vae(init).to(device))
    forget_past(vae)
    speed_up(vae)
    average = averaged(vae, 0.998)
    optimizers = optimizers_for(vae, rate)
    held_out = Growing(_HELD_OUT, device)
    while len(held_out) < _HELD_OUT or len(raw["clips"]) < 64 or len(raw["stills"]) < 512:
        for kind, made in stream.ready(64):
            late = kind == "clips" and len(held_out) < _HELD_OUT
            (held_out if late else raw[kind]).add(made)
        time.sleep(0.1)
    print("drawing has begun", flush=True)
    run = Run(out, steps=10**9, minutes=minutes, parts={})
    for step in run:
        for kind, made in stream.ready(3):
            raw[kind].add(made)
        kind, count = ("clips", clips) if step % 2 else ("stills", stills)
        video, subjects, *_ = raw[kind].some(count, Generator().manual_seed(step))
        mask = subjects.float().div_(255)
        mask = mask.repeat_interleave(4, -1).repeat_interleave(4, -2)
        loss, error, kl = vae_loss(vae, _pixels(video), 1 + 2.0 * mask, 3e-4)
        loss.backward()
        descend(optimizers, run.rate(rate))
        average.update_parameters(vae)
        if step % 50 in (48, 49):
            run.log(
                step + 1, psnr=psnr(error), kl=kl, clip=float(step % 2), drawn=len(raw["clips"])
            )
    run.plot()
    best: AutoencoderKLWan = average.module.eval()
    with torch.no_grad():
        means = torch.cat([best.encode(_pixels(video)).latent_dist.mode().transpose(0, 1).flatten(1)
            for kind, count in (("stills", 128), ("clips", 4))
            for video, *_ in (raw[kind].some(count, Generator().manual_seed(n)) for n in range(6))
        ], 1)  # fmt: skip
        mean, std = means.mean(1).tolist(), means.std(1).tolist()
        best.register_to_config(latents_mean=mean, latents_std=std)
        video = _pixels(held_out.parts[0])
        decoded = best.decode(best.encode(video).latent_dist.mode()).sample
    print(f"PSNR of {_HELD_OUT} held-out clips: {psnr(decoded - video).item():.2f} dB", flush=True)
    copy.deepcopy(best).to(torch.bfloat16).save_pretrained(out / "vae")
    return load_ready(out / "vae", device)


def load_ready(folder: Path, device: torch.device) -> AutoencoderKLWan:
    """A VAE as it will be used, its weights rounded."""
    vae = load_vae(folder).to(device).eval().requires_grad_(False)
    speed_up(vae)
    return vae


def _pixels(video: Tensor) -> Tensor:
    return video.float().div_(127.5).sub_(1)


class Known:
    """What has been drawn by now, encoded.

    Args:
        codec: encodes.
        raw: what was drawn before, which is given up.
        stream: what is drawn from now on.
        device: where it is kept.
    """

    def __init__(
        self,
        codec: AutoencoderKLWan,
        raw: dict[Kind, Growing],
        stream: Stream,
        device: torch.device,
    ) -> None:
        self.codec, self.stream = codec, stream
        self.kinds = {kind: Growing(room, device) for kind, room in _ROOM.items()}
        for kind, drawn in raw.items():
            for batch in drawn.each(16 if kind == "clips" else 256):
                self._add(kind, batch)
            drawn.parts = []

    def grow(self, most: int) -> None:
        """Take in so many batches, if there are any."""
        for kind, made in self.stream.ready(most):
            self._add(kind, [part.to(self.codec.device) for part in made])

    def _add(self, kind: Kind, made: list[Tensor]) -> None:
        video, subjects, faces, *more = made
        masks = (subjects.float() / 255, faces.float() / 255)
        seen = packed(encode(self.codec, _pixels(video), *masks))
        if kind == "pairs":
            more[0] = encode(self.codec, _pixels(more[0]), *masks).latents.half()
        self.kinds[kind].add((*seen, *more))

    def some(
        self, kind: str, count: int, nothing: Tensor, generator: Generator, dropout: float = 0.1
    ) -> tuple[Encoded, Tensor]:
        """Some of a kind, and the tokens (count, L) of one caption of each."""
        *seen, tokens = self.kinds[kind].some(count, generator)  # type: ignore[index]
        wording = torch.randint(tokens.shape[1], (count,), generator=generator)
        said = tokens[torch.arange(count, device=tokens.device), wording.to(tokens.device)]
        left_out = torch.rand(count, 1, generator=generator).to(tokens.device) < dropout
        return unpacked(*seen), torch.where(left_out, nothing.to(said.dtype), said)

    def pairs(self, count: int, generator: Generator) -> tuple[Encoded, Tensor, Tensor]:
        """Some first ones, the latents of the second ones, and both captions' tokens."""
        *first, second, tokens = self.kinds["pairs"].some(count, generator)
        return unpacked(*first), second.float(), tokens.transpose(0, 1).flatten(0, 1)

    def sizes(self) -> dict[str, float]:
        """How many there are of each kind."""
        return {f"{kind} known": float(len(kept)) for kind, kept in self.kinds.items()}


if __name__ == "__main__":
    run_script(train_on_gpu)
