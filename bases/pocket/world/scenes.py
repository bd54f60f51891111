"""Scenes: what a caption names (action, place, shot, expression, view), and what it leaves open."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Generator, Tensor

ACTIONS = ("stand", "walk", "jump", "wave", "dance", "clap")
PLACES = ("beach", "forest", "city", "room", "snow", "desert")
SHOTS = ("close-up", "medium", "wide")
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "surprised")
VIEWS = ("front", "three-quarter", "profile")

GRAVITY = 5.3
"""World units a second squared; a person is about one unit tall."""

_YAW_DEGREES = ((0.0, 18.0), (30.0, 55.0), (68.0, 88.0))


@dataclass(frozen=True)
class Scene:
    """B scenes; every field is (B,).

    The first five are indices into the tuples above. `intensity` of the expression is in [0, 1],
    `yaw` and `yaw_rate` are radians and radians a second (positive: towards the picture's right),
    `phase` is where in its cycle the action starts in [0, 1), `side` is -1 or 1, `pan` shifts the
    place sideways, `light` scales its brightness, and `jump` is a jump's height in world units.
    """

    action: Tensor
    place: Tensor
    shot: Tensor
    expression: Tensor
    view: Tensor
    intensity: Tensor
    yaw: Tensor
    yaw_rate: Tensor
    phase: Tensor
    side: Tensor
    offset: Tensor
    pan: Tensor
    light: Tensor
    jump: Tensor

    def __len__(self) -> int:
        return len(self.action)

    def __getitem__(self, index: Tensor | slice | list[int]) -> Scene:
        return Scene(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def to(self, device: torch.device | str) -> Scene:
        """The same scenes on another device."""
        return Scene(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def sample_scenes(count: int, generator: Generator, **named: str) -> Scene:
    """Draw `count` scenes at random.

    Args:
        count: how many scenes, at least 1.
        generator: a CPU generator; the same seed gives the same scenes everywhere.
        named: `action`, `place`, `shot`, `expression` or `view`, fixed for all the scenes.

    Raises:
        ValueError: if a named value is none of its tuple.
    """

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    def pick(kind: str, names: tuple[str, ...]) -> Tensor:
        drawn = torch.randint(len(names), (count,), generator=generator)
        if kind not in named:
            return drawn
        if named[kind] not in names:
            raise ValueError(f"{kind}={named[kind]!r} is none of {', '.join(names)}.")
        return torch.full_like(drawn, names.index(named[kind]))

    view = pick("view", VIEWS)
    low, high = torch.tensor(_YAW_DEGREES)[view].T
    turn = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    yaw_degrees = turn * (low + (high - low) * torch.rand(count, generator=generator))
    return Scene(
        action=pick("action", ACTIONS),
        place=pick("place", PLACES),
        shot=pick("shot", SHOTS),
        expression=pick("expression", EXPRESSIONS),
        view=view,
        intensity=uniform(0.6, 1.0),
        yaw=torch.deg2rad(yaw_degrees),
        yaw_rate=torch.deg2rad(uniform(-14, 14)),
        phase=uniform(0, 1),
        side=torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0),
        offset=uniform(-0.04, 0.04),
        pan=uniform(0, 4),
        light=uniform(0.85, 1.05),
        jump=uniform(0.13, 0.2),
    )
