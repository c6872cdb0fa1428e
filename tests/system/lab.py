"""A whole bridge for a test: workers in this process, real RabbitMQ and Redis, producers and consumers of its own."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import aio_pika
import orjson
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustConnection

from bridge.app import Stop, Worker
from bridge.config.settings import Settings
from bridge.model.names import Names

Event = dict[str, Any]


def document(
    amqp_url: str,
    redis_url: str,
    prefix: str,
    sites: Mapping[str, Sequence[str]],
    *,
    smpp: Mapping[str, Any] | None = None,
    route: Mapping[str, Any] | None = None,
    inbound: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The configuration file of a lab: one provider `p`, one route `default`, what should be short kept short."""
    account = {"system_id": "bridge", "password": "secret", "rebind_seconds": 1, **(smpp or {})}
    return {
        "broker": {"url": amqp_url, "prefix": prefix},
        "redis": {"url": redis_url, "prefix": prefix},
        "providers": {"p": {"smpp": account, "sites": {n: {"smsc": list(s)} for n, s in sites.items()}}},
        "routes": {"default": {"providers": ["p"], "from": "12345", **(route or {})}},
        "inbound": dict(inbound or {}),
        "ops": {"listen": "127.0.0.1:0"},
    }


def configuration(*where: Any, **parts: Any) -> Settings:
    """The settings of a `document`, which takes the same arguments."""
    return Settings.model_validate(document(*where, **parts))


def distinct(events: Sequence[Event], what: str, number: int, **fields: Any) -> Callable[[], bool]:
    """Whether events with these fields tell of so many different ones. Asked again, it looks at the new alone."""
    found: set[str] = set()
    looked_at = 0

    def are_there() -> bool:
        nonlocal looked_at
        new = events[looked_at:]
        looked_at += len(new)
        found.update(event[what] for event in new if fields.items() <= event.items())
        return len(found) >= number

    return are_there


class Lab:
    """Workers, a producer, and a consumer that hears every event from the start."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.names = Names(settings.broker.prefix)
        self.events: list[Event] = []
        self.by_kind: dict[str, list[Event]] = defaultdict(list)
        self.messages: list[AbstractIncomingMessage] = []
        self.workers: list[tuple[Worker, Stop, asyncio.Task[None]]] = []
        self._changed = asyncio.Condition()
        self._connection: AbstractRobustConnection
        self._channel: AbstractChannel

    async def __aenter__(self) -> "Lab":
        await self.start_worker()
        self._connection = await aio_pika.connect_robust(self.settings.broker.urls[0].get_secret_value())
        self._channel = await self._connection.channel()
        queue = await self._channel.declare_queue(exclusive=True)
        await queue.bind(self.names.inbound, "#")
        await queue.consume(self._hear, no_ack=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in list(self.workers):
            await self.stop_worker(worker[0])
        await self._connection.close()

    async def start_worker(self, settings: Settings | None = None) -> Worker:
        """One more worker; back when it is connected to RabbitMQ and Redis."""
        worker, stop = Worker(settings or self.settings), Stop()
        task = asyncio.create_task(worker.run(stop))
        self.workers.append((worker, stop, task))
        while not (worker.broker_up and worker.store_up):
            if task.done():
                task.result()
            await asyncio.sleep(0.02)
        return worker

    async def stop_worker(self, worker: Worker) -> None:
        """A soft stop, as SIGTERM asks for one."""
        found = next(entry for entry in self.workers if entry[0] is worker)
        self.workers.remove(found)
        found[1].request()
        await found[2]

    async def publish(
        self,
        bodies: Iterable[Mapping[str, Any] | bytes],
        key: str = "mt.default",
        headers: dict[str, Any] | None = None,
    ) -> None:
        """Publish as a producer does, confirmed."""
        exchange = await self._channel.get_exchange(self.names.mt)
        slots = asyncio.Semaphore(200)

        async def one(body: Mapping[str, Any] | bytes) -> None:
            octets = body if isinstance(body, bytes) else orjson.dumps(body)
            message = aio_pika.Message(
                octets, delivery_mode=aio_pika.DeliveryMode.PERSISTENT, headers=headers
            )
            async with slots:
                await exchange.publish(message, key)

        await asyncio.gather(*map(one, bodies))

    async def until(self, condition: Callable[[], bool], limit_s: float = 60.0) -> None:
        """Wait until this holds of the events heard so far."""
        async with asyncio.timeout(limit_s), self._changed:
            await self._changed.wait_for(condition)

    def of(self, kind: str, **fields: Any) -> list[Event]:
        """The events of this kind with these fields."""
        return [event for event in self.by_kind[kind] if all(event[k] == v for k, v in fields.items())]

    async def depth(self, queue: str) -> int:
        """How many messages are ready in a queue, as RabbitMQ says now."""
        async with self._connection.channel() as channel:
            found = await channel.declare_queue(queue, passive=True)
            return found.declaration_result.message_count or 0

    async def dead(self) -> list[tuple[bytes, dict[str, Any]]]:
        """Take all out of the dead queue: body and headers."""
        queue = await self._channel.get_queue(self.names.dead)
        found = []
        while (message := await queue.get(no_ack=True, fail=False)) is not None:
            found.append((message.body, dict(message.headers)))
        return found

    async def dead_letters(self, number: int) -> list[tuple[bytes, dict[str, Any]]]:
        """Take this many out of the dead queue, as soon as they are there."""
        found: asyncio.Queue[tuple[bytes, dict[str, Any]]] = asyncio.Queue()

        async def take(message: AbstractIncomingMessage) -> None:
            found.put_nowait((message.body, dict(message.headers)))

        queue = await self._channel.get_queue(self.names.dead)
        tag = await queue.consume(take, no_ack=True)
        async with asyncio.timeout(20):
            letters = [await found.get() for _ in range(number)]
        await queue.cancel(tag)
        return letters

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        event = orjson.loads(message.body)
        async with self._changed:
            self.events.append(event)
            self.messages.append(message)
            self.by_kind[event["type"]].append(event)
            self._changed.notify_all()
