"""Flow matching: how a clean latent, noise and a noise level become an input and a target.

One convention for every family: sigma = 1 is pure noise, x_sigma = (1 - sigma) x + sigma e, and
the model predicts e - x (Lipman et al., "Flow Matching for Generative Modeling", 2023; the
straight path of Liu et al., "Flow Straight and Fast", 2023).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class FlowMatching:
    """The training objective.

    Attributes:
        shift: moves the noise levels up; 1 leaves them where they are.
        spread: standard deviation of the logit of the unshifted levels; 1 is the logit-normal
            density of Esser et al. (2024), and larger values come close to a uniform one.
    """

    shift: float = 3.0
    spread: float = 1.0

    def sample_sigmas(
        self, count: int, generator: Generator, *, low: float = 0.0, high: float = 1.0
    ) -> Tensor:
        """Noise levels (count,) in (low, high), on the generator's device.

        They are stratified: of `count` equally likely ranges each gives one level, in random order,
        so that a small batch too sees little and much noise.
        """
        device = generator.device
        order = torch.randperm(count, generator=generator, device=device)
        ranks = order + torch.rand(count, generator=generator, device=device)
        first, last = self._share_below(torch.tensor([low, high], dtype=torch.float64))
        share = first + (last - first) * ranks.double() / count
        normal = torch.special.ndtri(share.clamp(1e-6, 1 - 1e-6))
        plain = torch.sigmoid(self.spread * normal)
        return (self.shift * plain / (1 + (self.shift - 1) * plain)).float()

    def _share_below(self, sigmas: Tensor) -> Tensor:
        """The share of noise levels below these, in [0, 1]."""
        plain = sigmas / (self.shift - (self.shift - 1) * sigmas)
        return torch.special.ndtr(torch.logit(plain) / self.spread)

    def noisy(self, clean: Tensor, noise: Tensor, sigmas: Tensor) -> Tensor:
        """The input x_sigma; `clean` and `noise` are (B, ...), `sigmas` is (B,)."""
        level = _beside(clean, sigmas)
        return (1 - level) * clean + level * noise

    def clean(self, noisy: Tensor, flow: Tensor, sigmas: Tensor) -> Tensor:
        """What an input is without its noise, if the flow was predicted right."""
        return noisy - _beside(noisy, sigmas) * flow

    def target(self, clean: Tensor, noise: Tensor) -> Tensor:
        """What the model should predict, e - x."""
        return noise - clean


def _beside(latents: Tensor, sigmas: Tensor) -> Tensor:
    """Noise levels (B,) that go with latents (B, ...)."""
    return sigmas.view(-1, *[1] * (latents.ndim - 1)).to(latents)
