"""What a transformer predicts of examples whose prompts may differ in length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bases.family import Family
from finetune.batches import alike


def predicted_flow(
    transformer: Any,
    family: Family,
    noisy_BCFHW: Tensor,
    sigmas_B: Tensor,
    conditions: Sequence[dict[str, Tensor]],
    dtype: torch.dtype,
) -> Tensor:
    """The predicted flow (B, C, F, H, W), in float32; alike conditions go through together.

    Args:
        transformer: on the device of the latents.
        family: the base's, which says what the transformer is handed.
        noisy_BCFHW: latents in noise.
        sigmas_B: the noise levels, in [0, 1].
        conditions: of each example, without a batch axis, on any device.
        dtype: that the latents are handed over in.
    """

    def together(noisy: Tensor, sigmas: Tensor, conditions: Sequence[dict[str, Tensor]]) -> Tensor:
        stacked = {
            name: torch.stack([rows[name] for rows in conditions]).to(noisy.device)
            for name in conditions[0]
        }
        inputs = family.transformer_inputs(noisy.to(dtype), sigmas, stacked)
        output = transformer(**inputs, return_dict=False)
        return family.prediction(output, noisy, sigmas).float()

    groups = alike(conditions, one_by_one=family.one_by_one)
    if len(groups) == 1:
        return together(noisy_BCFHW, sigmas_B, conditions)
    flows = [
        together(noisy_BCFHW[rows], sigmas_B[rows], [conditions[row] for row in rows])
        for rows in groups
    ]
    order = torch.tensor([row for rows in groups for row in rows]).argsort()
    return torch.cat(flows)[order]
