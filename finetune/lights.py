"""Photos by day as if they were taken at dusk or at night, as cinema shoots night scenes by day.

From photos by day an adapter learns the daylight with the subject: asked for at night, it brings
the day along.
"""

from __future__ import annotations

from torch import Tensor

DAY = "by day"
TINTS = {"at dusk": (1.0, 0.8, 0.65), "at night": (0.55, 0.6, 0.85)}
"""What is left of red, green and blue in each light; Pocket's world has such tints."""
LIGHTS = (DAY, *TINTS)
"""How prompts name a light."""


def relit(video: Tensor, light: str) -> Tensor:
    """A video (B, 3, F, H, W) in [-1, 1] that was taken by day, in one of `TINTS`' lights."""
    tint = video.new_tensor(TINTS[light]).view(1, 3, 1, 1, 1)
    return (video + 1) * tint - 1
