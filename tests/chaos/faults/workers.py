"""Faults of worker processes: they die, stop, sleep, and are replaced."""

import asyncio
from random import Random
from typing import ClassVar

from tests.chaos.fault import Fault, Victim
from tests.chaos.steps import STEPS
from tests.chaos.world import LEASE_S, World

BIND_LIMIT_S = 15.0
DEATH_LIMIT_S = 60.0
"""By then a worker that takes part in the load has passed every step."""
ANSWERS_LOST_S = 1.0
MINUTE, HOUR, DAY = 60, 3600, 86_400


class _OfWorker(Fault):
    victim: ClassVar[Victim] = Victim.WORKER


class Killed(_OfWorker):
    """A worker is killed (SIGKILL) with all it has in hand; another takes its place later."""

    name = "worker-killed"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        slot = chance.choice(world.workers.mortal)
        try:
            await world.workers.kill(slot)
            await world.lapse(seconds)
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
            await world.lapse(seconds)
        finally:
            world.workers.resume(slot)


class Rolling(_OfWorker):
    """All workers are restarted one after another, each asked to end (SIGTERM), under load."""

    name = "worker-rolling"
    seconds = (0.5, 2.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - all of them
        for slot in world.workers.mortal:
            try:
                await world.workers.dismiss(slot)
            finally:
                await world.workers.start(slot)
            await world.lapse(seconds)


class Crashes(_OfWorker):
    """A worker is killed again and again, five times, each time when it has had a moment to take messages."""

    name = "worker-crashes"
    seconds = (0.5, 1.5)
    times: ClassVar[int] = 5

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        slot = chance.choice(world.workers.mortal)
        for _ in range(self.times):
            if world.ending.is_set():
                return
            await world.workers.kill(slot)
            await world.workers.start(slot)
            await world.bound(BIND_LIMIT_S)
            await world.lapse(seconds * chance.random())


class ThirtyCrashes(Crashes):
    """The same thirty times: more than the redeliveries that RabbitMQ 4 allows by default."""

    name = "worker-crashes-30"
    long = True
    times = 30


class DiesAt(_OfWorker):
    """A worker dies (SIGKILL) at a named step."""

    seconds = (0.0, 2.0)

    def __init__(self, step: str) -> None:
        self.name = f"worker-dies-{step}"  # type: ignore[misc]  # one class for all steps
        self.__doc__ = f"A worker dies (SIGKILL) at a step: {STEPS[step].meaning}."
        self._step = step

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        step, slot = STEPS[self._step], chance.choice(world.workers.mortal)
        await world.workers.dismiss(slot)
        await world.workers.start(slot, dies_at=f"{self._step}:{chance.randint(1, step.most)}")
        died = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                if step.doubt:
                    group.create_task(_lose_answers(world, chance, died))
                async with asyncio.timeout(DEATH_LIMIT_S):
                    await world.workers.die(slot)
                died.set()
            await world.lapse(seconds)
        finally:
            await world.workers.kill(slot)
            await world.workers.start(slot)


async def _lose_answers(world: World, chance: Random, until: asyncio.Event) -> None:
    """Of one SMSC after another, again and again."""
    while not until.is_set():
        door = chance.choice(world.provider.all_doors)
        door.drop_replies()
        try:
            await asyncio.sleep(ANSWERS_LOST_S)
        finally:
            await door.sever()
        await asyncio.sleep(ANSWERS_LOST_S)


class ClockJumps(_OfWorker):
    """The time of day of a worker jumps ahead, back, and to where it should be."""

    name = "worker-clock-jumps"
    seconds = (3.0, 9.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        vitals = world.workers.vitals[chance.randrange(world.workers.count)]
        ahead, back = (chance.choice([MINUTE, HOUR, DAY, 30 * DAY]) for _ in range(2))
        try:
            for offset_s in (ahead, -back):
                vitals.offset_s = offset_s
                await world.lapse(seconds / 2)
        finally:
            vitals.offset_s = 0.0
