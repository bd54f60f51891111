"""Train Pocket's VAE on the world, mostly on stills.

    OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 \
        -m bases.pocket.train_vae --shape configs/pocket/64.yaml --out runs/vae

That is for two CPU cores; one GPU wants `python` in torchrun's place. Run it again to go on where
it stopped, or with more steps to go on longer. It ends with
`runs/vae/vae/`, which `AutoencoderKLWan.from_pretrained` loads, and prints the PSNR on clips that
it never saw.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan
from jsonargparse.typing import NonNegativeInt, PositiveInt
from torch import Generator, Tensor

from bases.pocket.casting import casting, draw_cast
from bases.pocket.crew import crew_rank, crew_seed, join_crew, share_gradients
from bases.pocket.muon import optimizers_for
from bases.pocket.parts import load_vae
from bases.pocket.pool import RawPool
from bases.pocket.replay import replayed
from bases.pocket.shape import PocketShape
from bases.pocket.still_convolutions import forget_past, speed_up
from bases.pocket.stream import Kind, Stream
from bases.pocket.training import (
    Run,
    autocast,
    averaged,
    best_device,
    descend,
    take_over,
)
from bases.scripts import run_script

HELD_OUT_SEED = 10_000_000


def train_vae(
    shape: PocketShape,
    out: Path = Path("runs/vae"),
    *,
    pool: PositiveInt = 400,
    room: PositiveInt | None = None,
    makers: NonNegativeInt = 0,
    **learning: Any,
) -> None:
    """Draw, and train the VAE.

    Args:
        shape: how large Pocket is.
        out: where the run is kept.
        pool: clips that each process draws beforehand, and sixteen times as many stills.
        room: for clips in the pool, where makers go on drawing; as many as `pool` if None.
        makers: other processes that draw; 0 for this one alone.
        learning: see `learn_vae`.
    """
    join_crew()
    device = best_device()
    raw = RawPool(Stream(shape, device=device, makers=makers), pool, device, room)
    learn_vae(shape, raw, out, **learning)


def learn_vae(
    shape: PocketShape,
    raw: RawPool,
    out: Path,
    *,
    init: Path | None = None,
    learn_encoder: bool = True,
    see_past: bool = False,
    steps: int = 3200,
    minutes: float | None = None,
    stills: int = 24,
    clips: int = 2,
    clip_every: int = 2,
    rate: float = 2e-3,
    kl_weight: float = 3e-4,
    subject_weight: float = 2.0,
) -> None:
    """Train the VAE on a pool.

    Args:
        shape: how large Pocket is.
        raw: what it learns from.
        out: where the run is kept.
        init: the folder of a VAE to go on from; what has another size starts anew.
        learn_encoder: whether the encoder learns too; not once a transformer has learnt its
            latents, which then stay what they are.
        see_past: whether the spatial convolutions see earlier frames too, not the resampling
            alone; three times the work on a CPU.
        steps: how many steps.
        minutes: that they may take, at whose end the rate has fallen; no limit if not given.
        stills: pictures a step of each process.
        clips: clips a step of each process, on every `clip_every`-th step, instead of the pictures.
        clip_every: see `clips`.
        rate: peak learning rate.
        kl_weight: weight of the mean KL divergence of a latent number from a normal one.
        subject_weight: what an error on the subject counts beyond one on the place.
    """
    torch.manual_seed(0)
    vae = AutoencoderKLWan(**shape.vae, **unit_statistics(shape))
    start_quiet(vae)
    if init is not None:
        take_over(vae, load_vae(init))
    vae.to(raw.device)
    vae.encoder.requires_grad_(learn_encoder)
    vae.quant_conv.requires_grad_(learn_encoder)
    if not see_past:
        forget_past(vae)
    speed_up(vae)
    average = averaged(vae, 0.998)
    optimizers = optimizers_for(vae, rate)
    parts = {"vae": vae, "average": average, **optimizers}
    run = Run(out, steps=steps, minutes=minutes, parts=parts)
    raw.fill()

    def learn(kind: Kind, count: int, generator: Generator) -> tuple[Tensor, Tensor]:
        video, mask = raw.some(kind, count, generator)
        loss, error, kl = vae_loss(vae, video, 1 + subject_weight * mask, kl_weight)
        loss.backward()
        return psnr(error).detach(), kl.detach()

    on_stills = replayed(vae, raw.device, partial(learn, "stills", stills))
    on_clips = replayed(vae, raw.device, partial(learn, "clips", clips))
    for step in run:
        raw.grow(step)
        is_clip = step % clip_every == clip_every - 1
        quality, kl = (on_clips if is_clip else on_stills)(crew_seed(step))
        share_gradients(vae.parameters())
        descend(optimizers, run.rate(rate))
        average.update_parameters(vae)
        if step % 50 in (47, 48):
            run.log(step + 1, psnr=quality, kl=kl, clip=float(is_clip), **raw.sizes())
    if crew_rank() > 0:
        return
    run.plot()
    finish(average.module, shape, out / "vae", raw.device)


def vae_loss(
    vae: AutoencoderKLWan, video: Tensor, weight: Tensor, kl_weight: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss, the errors of what comes back, and the mean KL divergence of a latent number.

    Args:
        vae: the VAE.
        video: clips (B, 3, F, H, W) in [-1, 1].
        weight: what an error counts, (B, 1, F, H, W).
        kl_weight: what the divergence counts.
    """
    with autocast(video.device):
        posterior = vae.encode(video).latent_dist
        decoded = vae.decode(posterior.sample()).sample
    error = decoded.float() - video
    kl = (posterior.mean.square() + posterior.var - 1 - posterior.logvar).float().mean() / 2
    off = (weight * (error.abs() + 2 * error.square())).mean() / weight.mean()
    return off + kl_weight * kl, error, kl


@torch.no_grad()
def finish(vae: AutoencoderKLWan, shape: PocketShape, folder: Path, device: torch.device) -> None:
    """Measure the latents' mean and spread, then the PSNR on held-out clips, and save the VAE."""
    vae.eval()
    shown = [_held_out(i, 32, shape, 1, device) for i in range(8)]
    shown += [_held_out(50 + i, 4, shape, shape.frames, device) for i in range(4)]
    means = [vae.encode(video).latent_dist.mode().transpose(0, 1).flatten(1) for video in shown]
    numbers = torch.cat(means, 1)
    vae.register_to_config(
        latents_mean=numbers.mean(1).tolist(), latents_std=numbers.std(1).tolist()
    )
    video = _held_out(100, 16, shape, shape.frames, device)
    decoded = vae.decode(vae.encode(video).latent_dist.mode()).sample
    print(f"PSNR of 16 held-out clips: {psnr(decoded - video).item():.2f} dB")
    vae.to(torch.bfloat16).save_pretrained(folder)
    print(f"Wrote {folder}.")


def start_quiet(vae: AutoencoderKLWan, log_variance: float = -5.0) -> None:
    """Begin with little noise on the latents, which would otherwise drown them at first."""
    with torch.no_grad():
        vae.quant_conv.bias[vae.config.z_dim :].fill_(log_variance)


def unit_statistics(shape: PocketShape) -> dict[str, list[float]]:
    """Of latents that were not measured yet."""
    channels = shape.vae["z_dim"]
    return {"latents_mean": [0.0] * channels, "latents_std": [1.0] * channels}


def _held_out(
    number: int, count: int, shape: PocketShape, frames: int, device: torch.device
) -> Tensor:
    """Clips (count, 3, frames, size, size) in [-1, 1] of nobody that a training has drawn."""
    return draw_cast(casting(HELD_OUT_SEED + number, count, shape), shape, frames, device)[0]


def psnr(error: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of pictures in [-1, 1], from their mean squared error."""
    return 10 * torch.log10(4 / error.float().square().mean())


if __name__ == "__main__":
    run_script(train_vae)
