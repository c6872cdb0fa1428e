"""Names of their own on real RabbitMQ and Redis for workers that receive, and ears for every event."""

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiormq
import aiormq.abc
import orjson
from pydantic import SecretStr
from redis.asyncio import Redis

from bridge.broker import Broker, Confirmation, Delivery, Outgoing, Properties
from bridge.broker.topology import Exchange, Queue, topology
from bridge.config.settings import BrokerSettings, RedisSettings
from bridge.inbound.early import EarlyReceipt
from bridge.model.names import Names
from bridge.proof.proxy import FaultProxy
from bridge.store.store import Store
from tests.inbound.worker import LIMIT_S, Reply, Setup, Worker, asked

MARKER = "mo.marker"


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as a consumer gets it."""

    key: str
    body: dict[str, Any]
    properties: Properties


class Lab:
    """Names of its own on RabbitMQ and Redis, one broker for all workers, and the queue of what nobody bound for."""

    def __init__(self, amqp_url: str, redis_url: str, prefix: str) -> None:
        self.names = Names(prefix)
        self.redis_url = redis_url
        self.amqp_url = amqp_url
        self.replies: list[Reply] = []
        self.taken: list[Delivery] = []
        self.redis = Redis.from_url(redis_url)
        self._heard: asyncio.Queue[Heard] = asyncio.Queue()
        self._markers = 0
        self._stack = AsyncExitStack()
        settings = BrokerSettings(url=(SecretStr(amqp_url),), prefix=prefix)
        self.broker = Broker(settings, self.names, [], worker="lab")

    async def __aenter__(self) -> "Lab":
        self._stack.push_async_callback(self.redis.aclose)
        self._stack.push_async_callback(self._remove)
        await self.broker.open()
        await self._run(self.broker, self.broker.run, self.broker.close)
        self.broker.subscribe(self.names.unrouted, 100, self._hear)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        assert all(len(reply.told) <= 1 for reply in self.replies), "answered twice"

    async def worker(self, name: str = "w1", *, redis_url: str = "", **setup: Any) -> Worker:
        """A worker, connected. `setup`: of its Setup."""
        url = SecretStr(redis_url or self.redis_url)
        store = Store(RedisSettings(url=url, prefix=self.names.prefix), worker=name)
        await self._run(store, store.run, store.close)
        return Worker(name, self.names, self.broker.publisher, store, Setup(**setup), self.replies)

    async def _run(self, part: Broker | Store, run: Callable[[], Any], close: Callable[[], Any]) -> None:
        up = asyncio.Event()
        part.on_change(lambda is_up: up.set() if is_up else None)
        task = asyncio.create_task(run())

        async def stop() -> None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await close()

        self._stack.push_async_callback(stop)
        async with asyncio.timeout(LIMIT_S):
            await up.wait()

    async def _remove(self) -> None:
        async def delete(channel: aiormq.abc.AbstractChannel) -> None:
            for item in topology(self.names, []):
                if isinstance(item, Queue):
                    await channel.queue_delete(item.name)
                elif isinstance(item, Exchange):
                    await channel.exchange_delete(item.name)

        await self.amqp(delete)

    # RabbitMQ, from outside

    async def amqp(self, act: Callable[[aiormq.abc.AbstractChannel], Any]) -> Any:
        """Do something on a connection of its own."""
        connection = await aiormq.connect(self.amqp_url)
        try:
            return await act(await connection.channel())
        finally:
            await connection.close()

    async def publish(self, exchange: str, key: str, body: bytes, message_id: str | None = None) -> None:
        """Publish, confirmed."""
        message = Outgoing(exchange=exchange, routing_key=key, body=body, message_id=message_id)
        confirmation = await asked(self.broker.publisher.publish, message)
        assert confirmation is Confirmation.CONFIRMED

    def _hear(self, delivery: Delivery) -> None:
        delivery.ack()
        body = orjson.loads(delivery.body)
        self._heard.put_nowait(Heard(delivery.routing_key, body, delivery.properties))

    async def event(self) -> Heard:
        """The next event, when it comes."""
        async with asyncio.timeout(LIMIT_S):
            return await self._heard.get()

    async def events(self) -> list[Heard]:
        """All further events that are confirmed by now."""
        self._markers += 1
        await self.publish(self.names.events, MARKER, orjson.dumps({"marker": self._markers}))
        heard = []
        while (event := await self.event()).key != MARKER or event.body != {"marker": self._markers}:
            heard.append(event)
        return heard

    async def watch(self, queue: str) -> "asyncio.Queue[Delivery]":
        """What comes into a queue from now on, kept from whoever else would have it."""
        found: asyncio.Queue[Delivery] = asyncio.Queue()
        subscription = self.broker.subscribe(queue, 10, found.put_nowait)
        async with asyncio.timeout(LIMIT_S):
            while not subscription.active:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return found

    # Deadlines

    def looks(self, worker: Worker) -> None:
        """The worker looks for what is overdue, from now on."""
        task = asyncio.create_task(worker.deadlines.run())

        async def stop() -> None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        self._stack.push_async_callback(stop)

    # Receipts back from their wait

    def takes(self, worker: Worker) -> None:
        """The worker takes receipts back from their wait."""

        def take(delivery: Delivery) -> None:
            self.taken.append(delivery)
            worker.early.take(delivery)

        self.broker.subscribe(self.names.early, 10, take)

    async def comes_back(self, receipt: EarlyReceipt) -> None:
        """A receipt comes back from its wait, as RabbitMQ brings it."""
        key = self.names.early_key(receipt.origin.provider or "")
        await self.publish(self.names.retry, key, receipt.dump(), receipt.event_id)

    async def settled(self, number: int = 1) -> None:
        """So many receipts came back, and each was settled."""
        async with asyncio.timeout(LIMIT_S):
            while len(self.taken) < number or any(delivery.alive for delivery in self.taken):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    # Redis, from outside

    async def claims(self) -> dict[bytes, bytes]:
        """The claims of MOs and DRs, by key."""
        return {key: value async for key, value in self._claims()}

    async def _claims(self) -> Any:
        async for key in self.redis.scan_iter(match=f"{self.names.prefix}:in:*"):
            yield key, await self.redis.get(key)

    async def due(self) -> list[Any]:
        """What is still to come, or to be published when its time is over."""
        lists = [await self.redis.zrange(f"{self.names.prefix}:due:{kind}", 0, -1) for kind in ("mo", "dr")]
        return [member for members in lists for member in members]

    async def nothing_due(self) -> None:
        """All that was due is settled, as Redis says."""
        async with asyncio.timeout(LIMIT_S):
            while await self.due():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def lapse(self) -> None:
        """Let every lease be over, as after five seconds."""
        for key, value in (await self.claims()).items():
            kind, *parts = value.split(b"|")
            if kind == b"P":
                parts[1] = b"1"
                await self.redis.set(key, b"|".join([kind, *parts]), keepttl=True)
        async for key in self.redis.scan_iter(match=f"{self.names.prefix}:id:*"):
            marks = await self.redis.get(key)
            assert isinstance(marks, bytes)
            await self.redis.set(key, re.sub(rb":\d+:(?=[^|]*\|)", b":1:", marks), keepttl=True)


async def redis_proxy(url: str) -> tuple[FaultProxy, str]:
    """A proxy before the tests' Redis that can cut it off, forwarding; and the URL to it."""
    place = urlsplit(url)
    proxy = FaultProxy(place.hostname or "", place.port or 0)
    await proxy.heal()
    return proxy, f"redis://127.0.0.1:{proxy.port}/0"


def ids_of(events: Iterable[Heard]) -> set[str]:
    return {event.body["event_id"] for event in events}
