"""What the broker's tests share: a Broker on the private RabbitMQ, with names of its own, removed afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiormq
import aiormq.abc
import pytest
from aiormq import spec
from pydantic import SecretStr

from bridge.broker import Broker, Confirmation, Delivery, Outgoing
from bridge.broker.topology import Exchange, Queue, topology
from bridge.config.settings import BrokerSettings
from bridge.model.names import Names
from bridge.proof.servers import PrivateRabbit

ROUTE = "r"
LIMIT_S = 45.0


async def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until something that has no event of its own is so."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Inbox:
    """Takes deliveries and hands them out one by one."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self.seen: list[Delivery] = []

    def __call__(self, delivery: Delivery) -> None:
        self.seen.append(delivery)
        self._queue.put_nowait(delivery)

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    async def get(self) -> Delivery:
        async with asyncio.timeout(LIMIT_S):
            return await self._queue.get()

    async def take(self, count: int) -> list[Delivery]:
        return [await self.get() for _ in range(count)]


class Lab:
    """One prefix on the private RabbitMQ, brokers on it, and a plain channel to look from outside."""

    def __init__(self, rabbit: PrivateRabbit, prefix: str) -> None:
        self.rabbit = rabbit
        self.names = Names(prefix)
        self.items = topology(self.names, [ROUTE])
        self.queue = self.names.route_queue(ROUTE, "bulk")
        self._running: list[tuple[Broker, asyncio.Task[None]]] = []

    def broker(self, *urls: str, declare: bool = True, confirm_limit_s: float = 20.0) -> Broker:
        settings = BrokerSettings(
            url=tuple(SecretStr(url) for url in urls or (self.rabbit.url,)),
            prefix=self.names.prefix,
            declare=declare,
        )
        return Broker(settings, self.names, [ROUTE], worker="test", confirm_limit_s=confirm_limit_s)

    async def start(self, *urls: str, **options: Any) -> Broker:
        broker = self.broker(*urls, **options)
        await broker.open()
        self._running.append((broker, asyncio.create_task(broker.run())))
        await wait_until(lambda: broker.up)
        return broker

    def message(self, key: str = f"mt.{ROUTE}", body: bytes = b"{}", **other: Any) -> Outgoing:
        fields: dict[str, Any] = {"exchange": self.names.mt, "message_id": None, **other}
        return Outgoing(routing_key=key, body=body, **fields)

    async def publish(self, broker: Broker, *messages: Outgoing) -> list[Confirmation]:
        """Publish all at once; their confirmations, in this order."""
        loop = asyncio.get_running_loop()
        outcomes = []
        for message in messages:
            outcome: asyncio.Future[Confirmation] = loop.create_future()
            broker.publisher.publish(message, outcome.set_result)
            outcomes.append(outcome)
        async with asyncio.timeout(LIMIT_S):
            return await asyncio.gather(*outcomes)

    async def call(self, act: Callable[[aiormq.abc.AbstractChannel], Any]) -> Any:
        """Do something on a connection of its own."""
        connection = await aiormq.connect(self.rabbit.url)
        try:
            return await act(await connection.channel())
        finally:
            await connection.close()

    async def depth(self, queue: str) -> int:
        """Messages ready in a queue."""
        answer: spec.Queue.DeclareOk = await self.call(lambda ch: ch.queue_declare(queue, passive=True))
        return answer.message_count or 0

    async def empties(self, queue: str) -> None:
        """Wait until a queue has nothing that could still be delivered, whatever happens to its consumers."""
        await self.reaches(queue, 0)

    async def reaches(self, queue: str, depth: int) -> None:
        """Wait until so many messages are ready in a queue."""
        async with asyncio.timeout(LIMIT_S):
            while await self.depth(queue) != depth:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        for broker, run in self._running:
            run.cancel()
            with suppress(asyncio.CancelledError):
                await run
            await broker.close()
        self._running.clear()

    async def clean(self) -> None:
        await self.stop()

        async def delete(channel: aiormq.abc.AbstractChannel) -> None:
            for item in self.items:
                if isinstance(item, Queue):
                    await channel.queue_delete(item.name)
                elif isinstance(item, Exchange):
                    await channel.exchange_delete(item.name)

        await self.call(delete)


@pytest.fixture
async def lab(rabbit: PrivateRabbit, prefix: str) -> AsyncIterator[Lab]:
    lab = Lab(rabbit, prefix)
    try:
        yield lab
    finally:
        await lab.clean()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    return wait_until


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()
