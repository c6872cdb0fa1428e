"""Faults of Redis, and of the connections to it."""

from random import Random
from typing import ClassVar

from tests.chaos.fault import Fault, Need, Victim
from tests.chaos.world import World

NOBODY = "1"
"""A port that nobody listens on."""


class _OfRedis(Fault):
    victim: ClassVar[Victim] = Victim.REDIS


class _Setting(_OfRedis):
    """A setting of Redis that makes it refuse writes, and the one that lets it take them."""

    wrong: ClassVar[tuple[str, ...]]
    right: ClassVar[tuple[str, ...]]

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - there is one
        try:
            await world.redis.tell(*self.wrong)
            await world.lapse(seconds)
        finally:
            await world.redis.tell(*self.right)


class Killed(_OfRedis):
    """Redis is killed (SIGKILL) and started again from its append-only file."""

    name = "redis-killed"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - there is one
        server = world.redis.primary
        server.kill()
        try:
            await world.lapse(seconds)
        finally:
            await server.start()


class Hung(_OfRedis):
    """Redis answers nothing (SIGSTOP), and then all of it at once."""

    name = "redis-hung"
    seconds = (1.0, 10.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - there is one
        server = world.redis.primary
        server.pause()
        try:
            await world.lapse(seconds)
        finally:
            server.resume()


class ReadOnly(_Setting):
    """Redis becomes the replica of a primary that is not there, and takes no writes; then it is its own again."""

    name = "redis-readonly"
    wrong = ("REPLICAOF", "127.0.0.1", NOBODY)
    right = ("REPLICAOF", "NO", "ONE")


class NoReplicas(_Setting):
    """Redis takes no writes because too few replicas follow it."""

    name = "redis-no-replicas"
    wrong = ("CONFIG", "SET", "min-replicas-to-write", "2")
    right = ("CONFIG", "SET", "min-replicas-to-write", "0")


class Full(_Setting):
    """Redis is out of memory and refuses whatever needs more."""

    name = "redis-full"
    wrong = ("CONFIG", "SET", "maxmemory", "1")
    right = ("CONFIG", "SET", "maxmemory", "0")


class RepliesLost(_OfRedis):
    """Redis does what it is asked, and its answers are lost; then the workers are cut off."""

    name = "redis-replies-lost"
    seconds = (1.0, 6.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - one door
        door = world.redis.door
        door.drop_replies()
        try:
            await world.lapse(seconds)
        finally:
            await door.sever()  # what comes next would be taken for the answer to something else


class ReplyCut(_OfRedis):
    """Connections to Redis are reset in the middle of an answer, again and again."""

    name = "redis-reply-cut"
    seconds = (1.0, 5.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        door = world.redis.door
        door.reset_after(chance.randrange(10, 3000))
        try:
            await world.lapse(seconds)
        finally:
            await door.heal()


class Emptied(_OfRedis):
    """Redis is emptied (FLUSHALL)."""

    name = "redis-emptied"
    seconds = (0.0, 1.0)
    forgets = True

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - there is one
        world.forgot()
        await world.redis.tell("FLUSHALL")
        world.forgot()
        await world.lapse(seconds)


class FailedOver(_OfRedis):
    """The primary is killed and the replica takes its place, without what had not come over yet."""

    name = "redis-failed-over"
    need = Need.REPLICA
    forgets = True

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - there is one
        world.forgot()
        await world.redis.fail_over()
        world.forgot()
        try:
            await world.lapse(seconds)
        finally:
            await world.redis.follow()
