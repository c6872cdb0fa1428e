"""Faults of HTTP sites, and of the way by which they call back."""

from random import Random
from typing import ClassVar

from tests.chaos.fault import Fault, Victim
from tests.chaos.web import SITES
from tests.chaos.world import RESPONSE_TIMEOUT_S, World

HALF = 0.5


class _OfWeb(Fault):
    victim: ClassVar[Victim] = Victim.HTTP


class _Manner(_OfWeb):
    """A site has a bad manner for a while."""

    manner: ClassVar[str]

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        site = chance.choice(SITES)
        try:
            await world.web.behave(site, self.manner)
            await world.lapse(seconds)
        finally:
            await world.web.behave(site)


class Cut(_OfWeb):
    """The connections to an HTTP site are cut, and it cannot be reached for a while."""

    name = "http-cut"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        door = world.web.doors[chance.choice(SITES)]
        try:
            await door.cut()
            await world.lapse(seconds)
        finally:
            await door.heal()


class Hung(_OfWeb):
    """The connections to an HTTP site stand and nothing passes: answers only, or nothing at all."""

    name = "http-hung"
    seconds = (4.0, 12.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        door = world.web.doors[chance.choice(SITES)]
        door.stall("both" if chance.random() < HALF else "back")
        try:
            await world.lapse(seconds)
        finally:
            await door.heal()


class AnswersLost(_Manner):
    """An HTTP site takes what it is sent, and cuts every third connection instead of answering."""

    name = "http-answers-lost"
    manner = "cut:every=3,taken=yes"


class ServerErrors(_Manner):
    """An HTTP site answers 503 to every other message, and does not take it."""

    name = "http-5xx"
    manner = "status:code=503,every=2,taken=no"


class ServerErrorsTaken(_Manner):
    """An HTTP site answers 500 to every third message, and has taken it all the same."""

    name = "http-5xx-taken"
    manner = "status:code=500,every=3,taken=yes"


class Late(_Manner):
    """An HTTP site answers every third message when it is not waited for any more."""

    name = "http-late"
    seconds = (3.0, 10.0)
    manner = f"late:seconds={RESPONSE_TIMEOUT_S + 2},every=3"


class Garbage(_Manner):
    """An HTTP site takes every third message, and answers what nobody can read."""

    name = "http-garbage"
    manner = "garbage:every=3"


class SiteKilled(_OfWeb):
    """An HTTP site is gone, and every answer it owed; then it is back."""

    name = "http-site-killed"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        site = chance.choice(SITES)
        try:
            await world.web.kill(site)
            await world.lapse(seconds)
        finally:
            await world.web.start(site)


class BothAway(_OfWeb):
    """Both HTTP sites are gone: what they should carry leaves over SMPP."""

    name = "http-both-away"
    seconds = (3.0, 12.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - all of them
        try:
            for site in SITES:
                await world.web.kill(site)
            await world.lapse(seconds)
        finally:
            for site in SITES:
                await world.web.start(site)


class CallbacksCut(_OfWeb):
    """Callbacks are cut off and find nobody."""

    name = "http-callbacks-cut"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - one door
        try:
            await world.web.callbacks.cut()
            await world.lapse(seconds)
        finally:
            await world.web.callbacks.heal()


class CallbacksUnanswered(_OfWeb):
    """Callbacks arrive, and the workers' answers are lost; then the connections are cut."""

    name = "http-callbacks-unanswered"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - one door
        door = world.web.callbacks
        door.drop_replies()
        try:
            await world.lapse(seconds)
        finally:
            await door.sever()  # a stream with a hole in it cannot go on
