"""Faults of RabbitMQ, and of the connections to it."""

import asyncio
from random import Random
from typing import ClassVar

import aio_pika

from bridge.proof.servers import PrivateRabbit
from tests.chaos.fault import Fault, Need, Victim
from tests.chaos.world import NAMES, World

WATERMARK, NO_MEMORY = "0.4", "0.0001"
QUIET_LOOK_S = 0.5


class _OfRabbit(Fault):
    victim: ClassVar[Victim] = Victim.RABBIT


async def _killed(world: World, node: PrivateRabbit, seconds: float) -> None:
    node.kill()
    try:
        await world.lapse(seconds)
    finally:
        await node.start()


class Killed(_OfRabbit):
    """RabbitMQ (all of its nodes) is killed (SIGKILL) and started again."""

    name = "rabbitmq-killed"

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - all of them
        async with asyncio.TaskGroup() as group:
            for node in world.rabbit.nodes:
                group.create_task(_killed(world, node, seconds))


class Hung(_OfRabbit):
    """RabbitMQ (all of its nodes) answers nothing (SIGSTOP) for longer than any confirm is waited for."""

    name = "rabbitmq-hung"
    seconds = (8.0, 20.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - all of them
        for node in world.rabbit.nodes:
            node.pause()
        try:
            await world.lapse(seconds)
        finally:
            for node in world.rabbit.nodes:
                node.resume()


class Alarm(_OfRabbit):
    """RabbitMQ is short of memory: whoever publishes is not read from any more."""

    name = "rabbitmq-alarm"
    seconds = (3.0, 15.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - any node
        try:
            await world.rabbit.ctl("set_vm_memory_high_watermark", NO_MEMORY)
            await world.lapse(seconds)
        finally:
            await world.rabbit.ctl("set_vm_memory_high_watermark", WATERMARK)


class ConnectionsClosed(_OfRabbit):
    """RabbitMQ closes all connections, those of the application too."""

    name = "rabbitmq-connections-closed"
    seconds = (0.0, 1.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - all of them
        await world.rabbit.ctl("close_all_connections", "a fault")
        await world.lapse(seconds)


class QueueDeleted(_OfRabbit):
    """A queue of the route is deleted, empty, and the workers declare it again.

    What is in a queue when its operator deletes it is lost by the operator's own act. So producers rest until all
    queues are empty, and until this one is there again.
    """

    name = "rabbitmq-queue-deleted"
    seconds = (0.0, 1.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        queue = NAMES.route_queue("default", chance.choice(["bulk", "interactive"]))
        async with world.app.silent(), asyncio.timeout(120):
            while world.ledger.under_way or await world.rabbit.messages(world.worked_queues) != 0:  # noqa: ASYNC110
                await asyncio.sleep(QUIET_LOOK_S)
            async with await aio_pika.connect(world.rabbit.urls[0]) as connection:
                await (await connection.channel()).queue_delete(queue)
            await world.lapse(seconds)
            await world.rabbit.until_bound(queue, [NAMES.mt, NAMES.retry])


class ConfirmsLost(_OfRabbit):
    """What RabbitMQ says is lost on its way to the workers, confirms and deliveries among it; then they are cut off."""

    name = "rabbitmq-replies-lost"
    seconds = (1.0, 5.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:  # noqa: ARG002 - all doors
        for door in world.rabbit.doors:
            door.drop_replies()
        try:
            await world.lapse(seconds)
        finally:
            for door in world.rabbit.doors:
                await door.sever()  # a stream with a hole in it cannot go on


class Delayed(_OfRabbit):
    """All that passes between RabbitMQ and the workers takes a while."""

    name = "rabbitmq-slow"
    seconds = (3.0, 10.0)

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        delay_s = chance.uniform(0.1, 0.5)
        for door in world.rabbit.doors:
            door.delay(delay_s)
        try:
            await world.lapse(seconds)
        finally:
            for door in world.rabbit.doors:
                await door.heal()


class NodeKilled(_OfRabbit):
    """One node of the cluster is killed (SIGKILL) and started again."""

    name = "rabbitmq-node-killed"
    need = Need.CLUSTER

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        await _killed(world, chance.choice(world.rabbit.nodes), seconds)


class QuorumLost(_OfRabbit):
    """Two of three nodes of the cluster are killed, so that no queue works, and started again."""

    name = "rabbitmq-quorum-lost"
    need = Need.CLUSTER

    async def strike(self, world: World, seconds: float, chance: Random) -> None:
        async with asyncio.TaskGroup() as group:
            for node in chance.sample(world.rabbit.nodes, 2):
                group.create_task(_killed(world, node, seconds))
