"""Faults of worker processes: they die, stop, sleep, and are replaced."""

import asyncio
from random import Random
from typing import ClassVar

from tests.chaos.fault import Fault, Victim
from tests.chaos.world import LEASE_S, World

BIND_LIMIT_S = 15.0


class _OfWorker(Fault):
    victim: ClassVar[Victim] = Victim.WORKER


class Killed(_OfWorker):
    """A worker is killed (SIGKILL) with all it has in hand; another takes its place later."""

    name = "worker-killed"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        slot = chance.randrange(world.workers.count)
        await world.workers.kill(slot)
        try:
            await asyncio.sleep(seconds)
        finally:
            await world.workers.start(slot)


class Paused(_OfWorker):
    """A worker sleeps (SIGSTOP) beyond its lease and wakes up with all it had in hand."""

    name = "worker-paused"
    seconds = (LEASE_S + 2.0, LEASE_S + 10.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        slot = chance.randrange(world.workers.count)
        world.workers.pause(slot)
        try:
            await asyncio.sleep(seconds)
        finally:
            world.workers.resume(slot)


class Rolling(_OfWorker):
    """All workers are restarted one after another, each asked to end (SIGTERM), under load."""

    name = "worker-rolling"
    seconds = (0.5, 2.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - all of them
        for slot in range(world.workers.count):
            try:
                await world.workers.dismiss(slot)
            finally:
                await world.workers.start(slot)
            await asyncio.sleep(seconds)


class Crashes(_OfWorker):
    """A worker is killed again and again, five times, each time when it has had a moment to take messages."""

    name = "worker-crashes"
    seconds = (0.5, 1.5)
    times: ClassVar[int] = 5

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        slot = chance.randrange(world.workers.count)
        for _ in range(self.times):
            await world.workers.kill(slot)
            await world.workers.start(slot)
            await world.bound(BIND_LIMIT_S)
            await asyncio.sleep(seconds * chance.random())


class ThirtyCrashes(Crashes):
    """The same thirty times: more than the redeliveries that RabbitMQ 4 allows by default."""

    name = "worker-crashes-30"
    long = True
    times = 30
