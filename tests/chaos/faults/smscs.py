"""Faults of SMSCs, and of the binds to them."""

from random import Random
from typing import ClassVar

from tests.chaos.fault import Fault, Victim
from tests.chaos.provider import SITES
from tests.chaos.world import RESPONSE_TIMEOUT_S, World


class _OfSmsc(Fault):
    victim: ClassVar[Victim] = Victim.SMSC


class Cut(_OfSmsc):
    """The binds to one SMSC are cut with their windows full, and it cannot be reached for a while."""

    name = "smsc-cut"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        door = chance.choice(world.provider.all_doors)
        try:
            await door.cut()
            await world.lapse(seconds)
        finally:
            await door.heal()


class CutInAnswer(_OfSmsc):
    """Binds to one SMSC are cut in the middle of what it says, again and again."""

    name = "smsc-answer-cut"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        door = chance.choice(world.provider.all_doors)
        door.reset_after(chance.randrange(20, 2000))
        try:
            await world.lapse(seconds)
        finally:
            await door.heal()


class HalfOpen(_OfSmsc):
    """The binds to one SMSC stand and nothing passes: answers only, or nothing at all."""

    name = "smsc-half-open"
    seconds = (4.0, 15.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        door = chance.choice(world.provider.all_doors)
        door.stall("both" if chance.random() < 0.5 else "back")
        try:
            await world.lapse(seconds)
        finally:
            await door.heal()


class HalfClosed(_OfSmsc):
    """One SMSC closes its side of the binds, and still takes what it is sent."""

    name = "smsc-half-closed"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        chance.choice(world.provider.all_doors).half_close()
        await world.lapse(seconds)


class AnswersLost(_OfSmsc):
    """What one SMSC says is lost, while it takes all it is sent; then its binds are cut."""

    name = "smsc-answers-lost"
    seconds = (2.0, 6.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        door = chance.choice(world.provider.all_doors)
        door.drop_replies()
        try:
            await world.lapse(seconds)
        finally:
            await door.sever()  # a stream with a hole in it cannot go on


class Late(_OfSmsc):
    """A site answers every third submit_sm when it is not waited for any more."""

    name = "smsc-late"
    seconds = (3.0, 10.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        site = chance.choice(SITES)
        try:
            await world.provider.behave(site, f"late:seconds={RESPONSE_TIMEOUT_S + 2},every=3")
            await world.lapse(seconds)
        finally:
            await world.provider.behave(site)


class SiteKilled(_OfSmsc):
    """Both SMSCs of a site are gone, and every answer they owed; then they are back."""

    name = "smsc-site-killed"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        site = chance.choice(SITES)
        try:
            await world.provider.kill(site)
            await world.lapse(seconds)
        finally:
            await world.provider.start(site)


class BothAway(_OfSmsc):
    """Both sites are gone: there is nobody to send to."""

    name = "smsc-both-away"
    seconds = (3.0, 12.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - all of them
        try:
            for site in SITES:
                await world.provider.kill(site)
            await world.lapse(seconds)
        finally:
            for site in SITES:
                await world.provider.start(site)
