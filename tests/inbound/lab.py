"""The receiving half of workers on real RabbitMQ and Redis: links that are only a name, and ears for every event."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import aiormq
import aiormq.abc
import orjson
from pydantic import SecretStr
from redis.asyncio import Redis

from bridge.broker import Broker, Confirmation, Delivery, Outgoing, Properties, Publisher
from bridge.broker.outbox import Outbox
from bridge.broker.topology import Exchange, Queue, topology
from bridge.config.settings import BrokerSettings, RedisSettings
from bridge.inbound.early import EarlyReceipt, EarlyReceipts
from bridge.inbound.receive import Receiver
from bridge.model.events import Origin
from bridge.model.ids import digest, event_id
from bridge.model.inbound import Dr, Inbound, Mo
from bridge.model.names import Names
from bridge.proof.proxy import FaultProxy
from bridge.store.correlation import Correlation
from bridge.store.store import Store

LIMIT_S = 30.0
HANDSET, OURS = "447700900123", "12345"
MARKER = "mo.marker"


@dataclass(frozen=True, slots=True)
class Link:
    """A bind, as far as inbound looks at one."""

    name: str = "smsc1:2775"
    provider: str = "p"
    site: str = "one"
    via: Literal["smpp", "http"] = "smpp"


ONE, OTHER = Link(), Link("smsc2:2775", site="two")
ORIGIN = Origin("p", "one", "smpp", "smsc1:2775")


def mo(text: str = "YES", id_: str | None = None) -> Mo:
    return Mo(
        id=id_, from_=HANDSET, to=OURS, text=text, data=None, encoding="gsm", identity=text.encode(), raw={}
    )


def dr(*ids: str, state: Any = "delivered", from_: str = HANDSET, error: str = "000") -> Dr:
    """A receipt: final unless it says `enroute`."""
    return Dr(
        ids=ids,
        state=state,
        final=state != "enroute",
        error=error,
        network_error=None,
        submitted_at=None,
        done_at=None,
        to=OURS,
        from_=from_,
        text="hello",
        identity=digest(*ids, state, error, from_, OURS),
        raw={"esm_class": 4},
    )


class Reply:
    """What a provider is told of one PDU; the lab looks at its end that none was told twice."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self._came = asyncio.Event()

    def __call__(self, safe: bool) -> None:
        self.told.append(safe)
        self._came.set()

    async def safe(self) -> bool:
        async with asyncio.timeout(LIMIT_S):
            await self._came.wait()
        return self.told[0]


class Gate:
    """A publisher whose confirmations can be held back on their way, or be lost."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.holds = False
        self.loses = False
        self._held: asyncio.Queue[Callable[[], None]] = asyncio.Queue()

    def publish(self, message: Outgoing, done: Callable[[Confirmation], None]) -> None:
        self.publisher.publish(message, partial(self._confirmed, done))

    def _confirmed(self, done: Callable[[Confirmation], None], confirmation: Confirmation) -> None:
        told = partial(done, Confirmation.UNKNOWN if self.loses else confirmation)
        if self.holds:
            self._held.put_nowait(told)
        else:
            told()

    async def held(self) -> Callable[[], None]:
        """The next answer that is held back: call it to let it pass."""
        async with asyncio.timeout(LIMIT_S):
            return await self._held.get()


class Worker:
    """What a worker has for MOs and DRs. It holds the publishes of its receiver and of its outbox each at a gate."""

    def __init__(self, name: str, lab: "Lab", store: Store, early_wait_s: float) -> None:
        self.store = store
        self.gate, self.outbox_gate = Gate(lab.broker.publisher), Gate(lab.broker.publisher)
        outbox = Outbox(cast("Publisher", self.outbox_gate))
        self.receiver = Receiver(
            lab.names,
            store.receipts,
            self.gate,
            outbox,
            worker=name,
            early_wait_s=early_wait_s,
            mo_repeat_s=10,
        )
        self.early = EarlyReceipts(lab.names, store.receipts, outbox, early_wait_s=early_wait_s)
        self._replies = lab.replies

    def offer(self, inbound: Inbound, link: Link = ONE) -> Reply:
        """A PDU comes on a link."""
        reply = Reply()
        self._replies.append(reply)
        self.receiver.received(link, inbound, reply)
        return reply

    async def receives(self, inbound: Inbound, link: Link = ONE) -> bool:
        """A PDU comes on a link and is answered: whether with OK."""
        return await self.offer(inbound, link).safe()

    async def submitted(self, smsc_id: str, mt_id: str = "m-1", to: str = HANDSET, **fields: Any) -> None:
        """The provider's answer to an MT comes; what went out unmatched goes out again."""
        entry = Correlation(mt_id=mt_id, provider="p", smsc_id=smsc_id, to=to, **fields)
        recorded = await asked(self.store.claims.answered, mt_id, "o", f"A|{smsc_id}", entry)
        self.receiver.matched_late(recorded.unmatched, entry, lambda: None)


async def asked(operation: Callable[..., None], *args: Any) -> Any:
    """What an operation of the store tells."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    operation(*args, answer.set_result)
    async with asyncio.timeout(LIMIT_S):
        return await answer


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

    async def worker(self, name: str = "w1", *, early_wait_s: float = 120, redis_url: str = "") -> Worker:
        """A worker, connected."""
        url = SecretStr(redis_url or self.redis_url)
        store = Store(RedisSettings(url=url, prefix=self.names.prefix), worker=name)
        await self._run(store, store.run, store.close)
        return Worker(name, self, store, early_wait_s)

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

    async def lapse(self) -> None:
        """Let every lease be over, as after five seconds."""
        for key, value in (await self.claims()).items():
            kind, *parts = value.split(b"|")
            if kind == b"P":
                parts[1] = b"1"
                await self.redis.set(key, b"|".join([kind, *parts]), keepttl=True)


async def redis_proxy(url: str) -> tuple[FaultProxy, str]:
    """A proxy before the tests' Redis that can cut it off, forwarding; and the URL to it."""
    place = urlsplit(url)
    proxy = FaultProxy(place.hostname or "", place.port or 0)
    await proxy.heal()
    return proxy, f"redis://127.0.0.1:{proxy.port}/0"


def ids_of(events: Iterable[Heard]) -> set[str]:
    return {event.body["event_id"] for event in events}


def early_receipt(receipt: Dr, since: float) -> EarlyReceipt:
    """A receipt on its way, first put there at `since` (epoch seconds), as a receiver makes it."""
    key = digest("dr", "p", receipt.identity)
    return EarlyReceipt(receipt, ORIGIN, key, event_id("dr", key), since)
