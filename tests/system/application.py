"""The application on the other side of RabbitMQ, which no outage stops.

It publishes MTs and hears all events, and knows at the end whether the promises were kept.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import aio_pika
import aiormq.exceptions
import orjson
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustConnection

from bridge.model.names import Names
from bridge.proof.audit import ENDED_UNSENT, Audit, Ledger
from bridge.simulator.network import PLAIN, Network
from bridge.simulator.records import Parcel, Submit
from bridge.simulator.writing import Manner
from tests.system.lab import Event
from tests.system.phones import mt_of, shown, times_taken
from tests.system.processes import LIMIT_S, Crew

CONFIRM_S = 20.0
UNKNOWN = (aiormq.exceptions.AMQPError, OSError, RuntimeError)
"""What a publish ends with when RabbitMQ goes away under it. TimeoutError is an OSError."""


def ids(number: int, name: str = "m") -> list[str]:
    """So many ids."""
    return [f"{name}-{i}" for i in range(number)]


class Application:
    """Publishes MTs whose text names their id, and hears every event; both over every outage of RabbitMQ.

    An MT that RabbitMQ did not confirm is not published again: whether it is there is for the audit to allow for.
    """

    def __init__(self, url: str, names: Names, network: Network) -> None:
        self.events: list[Event] = []
        self.ended: Counter[str] = Counter()
        self.resent: set[str] = set()
        self.confirmed: Counter[str] = Counter()
        self.unconfirmed: Counter[str] = Counter()
        self.texts: dict[str, str] = {}
        self.mos: list[str] = []
        self._url = url
        self._names = names
        self._network = network
        self._receipts: set[str] = set()
        self._told: set[str | None] = set()
        self._told_first = 0  # messages of the network, before one that is not told of
        self._unsent: set[str] = set()
        self._changed = asyncio.Condition()
        self._connection: AbstractRobustConnection
        self._channel: AbstractRobustChannel

    async def __aenter__(self) -> "Application":
        """When the workers have declared what it needs."""
        self._connection = await aio_pika.connect_robust(self._url, timeout=5, reconnect_interval=0.2)
        channel = await self._connection.channel()
        assert isinstance(channel, AbstractRobustChannel)
        self._channel = channel
        await channel.set_qos(prefetch_count=500)
        queue = await channel.declare_queue(
            f"{self._names.prefix}.heard", durable=True, arguments={"x-queue-type": "quorum"}
        )
        await queue.bind(self._names.inbound, "#")
        await queue.consume(self._hear)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def publish(
        self,
        ids: Iterable[str],
        at_once: int = 100,
        key: str = "mt.default",
        text_of: Callable[[str], str] = str,
        **fields: Any,
    ) -> None:
        """Publish an MT under each id, with the text that `text_of` makes of it.

        RabbitMQ may go away meanwhile: the rest follows when it is back.
        """
        slots = asyncio.Semaphore(at_once)

        async def one(mt_id: str) -> None:
            text = self.texts[mt_id] = text_of(mt_id)
            body = orjson.dumps({"id": mt_id, "to": "447700900123", "text": text, **fields})
            message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            async with slots:
                sure = await self._confirmed(message, key)
                (self.confirmed if sure else self.unconfirmed)[mt_id] += 1

        async with asyncio.TaskGroup() as group:
            for mt_id in ids:
                group.create_task(one(mt_id))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until this holds of what was heard so far."""
        try:
            async with asyncio.timeout(LIMIT_S), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"in vain: {self._story()}") from None

    async def until_settled(self) -> None:
        """Wait until each MT has its end (the route tells of accepted ones), each receipt and each MO its event.

        Receipts that speak of the same MT, because it is long or was sent twice, may have one event together; those of
        segments of an MT that was not accepted have none.
        """
        await self.until(
            lambda: (
                len(self.ended) >= len(self.confirmed)
                and self._all_told()
                and self.ended.keys() >= self.confirmed.keys()
                and self.taken.keys() <= self.ended.keys()
                and {event["text"] for event in self.of("mo")} >= set(self.mos)
            )
        )
        await self._network_quiet()

    def of(self, kind: str, **fields: Any) -> list[Event]:
        """The events of this kind with these fields."""
        return [e for e in self.events if e["type"] == kind and fields.items() <= e.items()]

    @property
    def taken(self) -> Counter[str]:
        """How often the provider took each MT."""
        return times_taken(self._network.messages)

    def audit(self) -> Audit:
        """The verdict over all that was published, taken, delivered and heard."""
        ledger = Ledger()
        for mt_id in self.confirmed.elements():
            ledger.published(mt_id)
        for mt_id in self.unconfirmed:
            ledger.published(mt_id, confirmed=False)
        for message in self._network.messages:
            assert message.message_id is not None
            ledger.taken(
                mt_of(message),
                message.message_id,
                message.bind,
                segment=message.segment,
                spelt=message.receipt_id,
            )
        for text in self.mos:
            ledger.mo_sent(text)
        for event in self.events:
            ledger.event(event)
        return ledger.audit()

    def send_mos(self, texts: Sequence[str], manner: Manner = PLAIN) -> list[Parcel]:
        """Have the provider bring these texts."""
        self.mos += texts
        return [parcel for text in texts for parcel in self._network.send_mo(text, manner=manner)]

    @property
    def shown_wrong(self) -> set[str]:
        """Accepted MTs whose text no phone shows."""
        texts = shown(self._network)
        accepted = {event["id"] for event in self.of("mt", outcome="accepted")}
        return {mt_id for mt_id in accepted if not texts[self.texts[mt_id]]}

    async def depth(self, queue: str) -> int:
        """How many messages are ready in a queue, as RabbitMQ says now."""
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel()
            found = await channel.declare_queue(queue, passive=True)
            return found.declaration_result.message_count or 0

    async def letters(self, number: int) -> list[dict[str, Any]]:
        """The headers of so many messages in the dead queue, taken out as soon as they are there."""
        found: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def take(message: AbstractIncomingMessage) -> None:
            found.put_nowait(dict(message.headers))

        async with await aio_pika.connect(self._url) as connection:
            queue = await (await connection.channel()).get_queue(self._names.dead)
            await queue.consume(take, no_ack=True)
            async with asyncio.timeout(LIMIT_S):
                return [await found.get() for _ in range(number)]

    async def _confirmed(self, message: aio_pika.Message, key: str) -> bool:
        """Whether RabbitMQ said that it has it. While there is no connection, wait for one."""
        while True:
            await self._connection.ready()
            try:
                async with asyncio.timeout(CONFIRM_S):
                    exchange = await self._channel.get_exchange(self._names.mt, ensure=False)
                    await exchange.publish(message, key, timeout=CONFIRM_S)
            except aiormq.exceptions.ChannelInvalidStateError:
                await asyncio.sleep(0.1)  # nothing was written; nothing tells when the channel is there again
            except UNKNOWN:
                return False
            except asyncio.CancelledError:
                # The library's way to fail what was under way on a connection that closed.
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                return False
            else:
                return True

    def _all_told(self) -> bool:
        messages = self._network.messages
        while self._told_first < len(messages) and self._is_told(messages[self._told_first]):
            self._told_first += 1
        return self._told_first == len(messages)

    def _is_told(self, message: Submit) -> bool:
        mt_id = mt_of(message)
        if message.segment and mt_id in self._unsent:
            return True
        ids = {message.message_id, message.receipt_id}
        return not ids.isdisjoint(self._receipts) or mt_id in self._told

    async def _network_quiet(self) -> None:
        try:
            async with asyncio.timeout(LIMIT_S):
                await self._network.until(lambda: not self._network.outbox.counts.open)
        except TimeoutError:
            raise AssertionError(f"the provider still owes something: {self._network.stats()}") from None

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        event = orjson.loads(message.body)
        async with self._changed:
            self.events.append(event)
            if event["type"] == "dr":
                self._receipts.add(event["smsc_id"])
                if event["joined"]:
                    self._told.add(event["mt_id"])
            elif event["type"] == "mt" and event["outcome"] == "resent":
                self.resent.add(event["id"])
            elif event["type"] == "mt" and event["outcome"] != "resolved":
                self.ended[event["id"]] += 1
                if event["outcome"] in ENDED_UNSENT:
                    self._unsent.add(event["id"])
            self._changed.notify_all()
        with suppress(*UNKNOWN):
            await message.ack()

    def _story(self) -> str:
        missing = self.confirmed.keys() - self.ended.keys()
        return (
            f"{len(self.confirmed)} published, {len(missing)} without an end ({sorted(missing)[:5]}), "
            f"{len(self._receipts)} receipts heard of {len(self._network.messages)}; {self.audit().complaints}"
        )


async def until_promises_kept(crew: Crew, app: Application) -> None:
    """All is settled, the workers left end well, and nothing was lost, garbled, or doubled without a mark."""
    await app.until_settled()
    await crew.dismiss()
    verdict = app.audit()
    assert verdict.passed, "\n".join(map(str, verdict.complaints))
    assert {text for text, times in app.taken.items() if times > 1} <= app.resent
    assert app.shown_wrong == set()
