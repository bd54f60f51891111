"""Scenes: what a caption names (who does what, where, how filmed), and what it leaves open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Generator, Tensor

from bases.errors import BaseModelError
from bases.pocket.world.colours import hues
from bases.pocket.world.looks import Look, sample_looks
from bases.pocket.world.rows import Rows

KINDS = ("person", "pet", "object")
ACTIONS_OF = {
    "person": (
        "stand", "walk", "run", "jump", "wave", "dance", "clap", "cheer", "bow", "turn", "kick",
    ),
    "pet": ("stand", "walk", "run", "jump", "sit", "turn"),
    "object": ("rest", "roll", "bounce", "spin", "slide"),
}  # fmt: skip
AT_REST = {"person": "stand", "pet": "stand", "object": "rest"}
"""What each kind does when it does nothing."""
ACTIONS = tuple(dict.fromkeys(name for names in ACTIONS_OF.values() for name in names))
PLACES = (
    "beach", "forest", "city", "room", "snow", "desert", "park", "kitchen", "stage", "moon",
)  # fmt: skip
LIGHTS = ("day", "dusk", "night")
SHOTS = ("close-up", "medium", "wide")
VIEWS = ("front", "three-quarter", "profile", "back")
MOVES = ("still", "pan", "zoom in", "zoom out", "orbit")
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "surprised")
COMPANY = ("alone", *KINDS)

_YAW_DEGREES = ((0.0, 18.0), (30.0, 55.0), (68.0, 88.0), (150.0, 180.0))


CHOICES = {
    "kind": KINDS,
    "action": ACTIONS,
    "place": PLACES,
    "light": LIGHTS,
    "shot": SHOTS,
    "view": VIEWS,
    "move": MOVES,
    "expression": EXPRESSIONS,
    "company": COMPANY,
}


@dataclass(frozen=True)
class Repertoire:
    """Which scenes are drawn: each choice is made evenly among these names.

    Attributes:
        kind: of the subject.
        action: of these, the ones that the subject's kind can do.
        place: where.
        light: time of the day.
        shot: how near the camera is.
        view: how far the subject is turned away.
        move: of the camera.
        expression: of people and pets.
        company: who stands beside the subject; "alone" may be named several times.

    Raises:
        BaseModelError: if a name is unknown, or a kind has nothing to do.
    """

    kind: tuple[str, ...] = KINDS
    action: tuple[str, ...] = ACTIONS
    place: tuple[str, ...] = PLACES
    light: tuple[str, ...] = LIGHTS
    shot: tuple[str, ...] = SHOTS
    view: tuple[str, ...] = VIEWS
    move: tuple[str, ...] = ("still", "still", *MOVES)
    expression: tuple[str, ...] = EXPRESSIONS
    company: tuple[str, ...] = ("alone",) * 12 + COMPANY

    def __post_init__(self) -> None:
        for choice, known in CHOICES.items():
            for name in getattr(self, choice):
                if name not in known:
                    raise BaseModelError(f"{choice}={name!r} is none of {', '.join(known)}.")
        for kind in self.kind:
            if not self.actions_of(kind):
                raise BaseModelError(
                    f"A {kind} can do none of {', '.join(self.action)}: it can "
                    f"{', '.join(ACTIONS_OF[kind])}."
                )

    def only(self, **named: str) -> Repertoire:
        """The same with some choices made; an action leaves only the kinds that can do it.

        Raises:
            BaseModelError: as above, or if a choice is unknown.
        """
        for choice in named:
            if choice not in CHOICES:
                raise BaseModelError(f"{choice!r} is none of {', '.join(CHOICES)}.")
        kind, action = self.kind, named.get("action")
        if action in ACTIONS and "kind" not in named:
            kind = tuple(k for k in kind if action in ACTIONS_OF[k]) or kind
        chosen = {choice: (name,) for choice, name in named.items()}
        return replace(self, **{"kind": kind, **chosen})

    def actions_of(self, kind: str) -> tuple[str, ...]:
        """What subjects of a kind do."""
        return tuple(name for name in self.action if name in ACTIONS_OF[kind])


@dataclass(frozen=True)
class Scene(Rows):
    """B scenes; every field is (B,).

    The first nine are indices into the tuples in `CHOICES`.

    Attributes:
        intensity: of the expression, in (0, 1].
        yaw: the subject's turn at the start, radians, positive towards the picture's right.
        yaw_rate: radians a second.
        phase: where in its cycle the action starts, in [0, 1).
        side: -1 or 1, the way that things go.
        offset: of the subject from the middle, world units.
        pan: how far the place is shifted sideways, in half pictures.
        brightness: of the whole picture.
        jump: a jump's height, world units.
        restitution: speed after a bounce over the speed before it.
        speed: of what rolls, slides or was kicked, world units a second.
        ball: colour of the ball that is kicked, (B, 3) in [0, 1].
        partner: the looks of who stands beside the subject.
    """

    kind: Tensor
    action: Tensor
    place: Tensor
    light: Tensor
    shot: Tensor
    view: Tensor
    move: Tensor
    expression: Tensor
    company: Tensor
    intensity: Tensor
    yaw: Tensor
    yaw_rate: Tensor
    phase: Tensor
    side: Tensor
    offset: Tensor
    pan: Tensor
    brightness: Tensor
    jump: Tensor
    restitution: Tensor
    speed: Tensor
    ball: Tensor
    partner: Look

    def does(self, action: str) -> Tensor:
        """Which scenes show this action, (B,) in {0., 1.}."""
        return (self.action == ACTIONS.index(action)).to(self.yaw.dtype)

    def named(self, choice: str, index: int) -> str:
        """What a scene shows, such as "beach" for the choice "place"."""
        return CHOICES[choice][getattr(self, choice)[index]]

    def with_choice(self, choice: str, index: Tensor) -> Scene:
        """The same with another choice made, (B,) into `CHOICES`; who has another view turns."""
        chosen: dict[str, Any] = {choice: index}
        changed = replace(self, **chosen)
        if choice != "view":
            return changed
        spans = torch.deg2rad(torch.tensor(_YAW_DEGREES))
        (low, high), (lowest, highest) = spans[self.view].T, spans[index].T
        share = (self.yaw.abs() - low) / (high - low)
        return replace(changed, yaw=self.yaw.sign() * (lowest + (highest - lowest) * share))


def sample_scenes(
    count: int, generator: Generator, repertoire: Repertoire | None = None, **named: str
) -> Scene:
    """Draw `count` scenes at random.

    Args:
        count: how many scenes, at least 1.
        generator: a CPU generator; the same seed gives the same scenes everywhere.
        repertoire: what there is to choose from; everything if not given.
        named: choices, such as `place="beach"`, that are the same in all the scenes.

    Raises:
        BaseModelError: if a choice or a name is unknown, or the kind cannot do the action.
    """
    among = (repertoire or Repertoire()).only(**named)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    def sign() -> Tensor:
        return torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)

    def pick(choice: str, names: tuple[str, ...]) -> Tensor:
        known = torch.tensor([CHOICES[choice].index(name) for name in names])
        return known[torch.randint(len(names), (count,), generator=generator)]

    kind, view = pick("kind", among.kind), pick("view", among.view)
    action = torch.zeros_like(kind)
    for name in among.kind:
        drawn = pick("action", among.actions_of(name))
        action = torch.where(kind == KINDS.index(name), drawn, action)
    low, high = torch.tensor(_YAW_DEGREES)[view].T
    return Scene(
        kind=kind,
        action=action,
        place=pick("place", among.place),
        light=pick("light", among.light),
        shot=pick("shot", among.shot),
        view=view,
        move=pick("move", among.move),
        expression=pick("expression", among.expression),
        company=pick("company", among.company),
        intensity=uniform(0.3, 1.0),
        yaw=torch.deg2rad(sign() * (low + (high - low) * uniform(0, 1))),
        yaw_rate=torch.deg2rad(uniform(-14, 14)),
        phase=uniform(0, 1),
        side=sign(),
        offset=uniform(-0.04, 0.04),
        pan=uniform(0, 4),
        brightness=uniform(0.88, 1.04),
        jump=uniform(0.13, 0.2),
        restitution=uniform(0.6, 0.85),
        speed=uniform(0.5, 0.9),
        ball=hues(uniform(0, 1)),
        partner=sample_looks(count, generator),
    )
