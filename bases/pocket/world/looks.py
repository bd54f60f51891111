"""Looks: the traits that make one individual, never named in a caption."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Generator

from bases.pocket.world.people.look import PersonLook, sample_people
from bases.pocket.world.pets.look import PetLook, sample_pets
from bases.pocket.world.rows import Rows
from bases.pocket.world.things.look import ThingLook, sample_things


@dataclass(frozen=True)
class Look(Rows):
    """The looks of B individuals; a scene's kind says which of the three is seen.

    Attributes:
        person: as a person.
        pet: as a pet.
        thing: as an object.
    """

    person: PersonLook
    pet: PetLook
    thing: ThingLook


def sample_looks(count: int, generator: Generator) -> Look:
    """Draw `count` individuals, each trait independent of the others.

    Args:
        count: how many individuals, at least 1.
        generator: a CPU generator; the same seed gives the same individuals everywhere.
    """
    return Look(
        person=sample_people(count, generator),
        pet=sample_pets(count, generator),
        thing=sample_things(count, generator),
    )


def look_alikes(look: Look, generator: Generator, *, keep: float = 0.7) -> Look:
    """Individuals that share each trait, with probability `keep`, with one of `look`."""
    return look.mixed(sample_looks(len(look), generator), generator, keep=keep)
