"""The application on the other side of RabbitMQ: it publishes MTs and hears all events, over every outage.

It connects past the doors, to whichever node answers. An MT that RabbitMQ did not confirm is not published again:
whether it is there is for the audit to allow for. It shares no code with the bridge's own way to RabbitMQ.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from random import Random

import aio_pika
import aiormq.exceptions
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from bridge.model.names import Names
from bridge.proof.load import Sample, samples
from tests.chaos.ledger import TimedLedger

PREFETCH = 500
CONFIRM_S = 30.0
MOST_UNCONFIRMED = 500
TICK_S = 0.02
AGAIN_S = 0.3
LOST = (aiormq.exceptions.AMQPError, OSError, RuntimeError, StopAsyncIteration)
"""What a call ends with when RabbitMQ goes away under it. TimeoutError is an OSError; the last one is what the library
says of a connection that ends as soon as it was made."""


class Application:
    """Made by `application`; `hear` gets the body of every event.

    `mt_by_text`: every text that was published, with the id of its MT.
    """

    def __init__(
        self,
        urls: Sequence[str],
        names: Names,
        ledger: TimedLedger,
        hear: Callable[[bytes], None],
        chance: Random,
    ) -> None:
        self.mt_by_text: dict[str, str] = {}
        self.hear = hear
        self._urls = urls
        self._names = names
        self._ledger = ledger
        self._samples = samples(chance)
        self._connected = asyncio.Event()
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._channel: AbstractChannel
        self._publishing: set[asyncio.Task[None]] = set()

    async def until_connected(self) -> None:
        """Wait until it hears events."""
        await self._connected.wait()

    @asynccontextmanager
    async def silent(self) -> AsyncIterator[None]:
        """Nothing is published meanwhile, and all that was is answered."""
        self._allowed.clear()
        try:
            await self._idle()
            yield
        finally:
            self._allowed.set()

    async def produce(self, rate: float, done: asyncio.Event) -> None:
        """Publish so many MTs a second until it is done with; back when each of them was answered."""
        loop = asyncio.get_running_loop()
        due, before = 0.0, loop.time()
        while not done.is_set():
            await asyncio.sleep(TICK_S)
            now = loop.time()
            due, before = due + rate * (now - before), now
            while due >= 1:
                due -= 1
                if self._allowed.is_set() and len(self._publishing) < MOST_UNCONFIRMED:
                    self._start(next(self._samples))
        await self._idle()

    async def connect_again_and_again(self) -> None:
        """Until cancelled."""
        for url in cycle(self._urls):
            with suppress(*LOST):
                await self._stay_connected(url)
            self._connected.clear()
            await asyncio.sleep(AGAIN_S)

    async def _stay_connected(self, url: str) -> None:
        async with await aio_pika.connect(url, timeout=5) as connection:
            hearing = await connection.channel(publisher_confirms=False)
            await hearing.set_qos(prefetch_count=PREFETCH)
            queue = await hearing.declare_queue(
                f"{self._names.prefix}.heard", durable=True, arguments={"x-queue-type": "quorum"}
            )
            await queue.bind(self._names.inbound, "#")
            await queue.consume(self._take)
            self._channel = await connection.channel()
            self._connected.set()
            ends = [asyncio.ensure_future(it.closed()) for it in (connection, hearing, self._channel)]
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in ends:
                    end.cancel()
                self._connected.clear()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self.hear(message.body)
        with suppress(*LOST):
            await message.ack()

    def _start(self, sample: Sample) -> None:
        self.mt_by_text[sample.body["text"]] = sample.id
        for _ in range(sample.times):
            task = asyncio.create_task(self._publish(sample))
            self._publishing.add(task)
            task.add_done_callback(self._publishing.discard)

    async def _publish(self, sample: Sample) -> None:
        outgoing = sample.message(self._names, time.time())
        message = aio_pika.Message(
            outgoing.body,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            content_type=outgoing.content_type,
            message_id=outgoing.message_id,
        )
        while True:
            await self._connected.wait()
            try:
                async with asyncio.timeout(CONFIRM_S):
                    exchange = await self._channel.get_exchange(self._names.mt, ensure=False)
                    await exchange.publish(message, outgoing.routing_key)
            except aiormq.exceptions.ChannelInvalidStateError:
                await asyncio.sleep(TICK_S)  # nothing was written
            except LOST:
                self._ledger.published(sample.id, confirmed=False)
                return
            except asyncio.CancelledError:
                # The library's way to fail what was under way on a connection that closed.
                task = asyncio.current_task()
                self._ledger.published(sample.id, confirmed=False)
                if task is not None and task.cancelling():
                    raise
                return
            else:
                self._ledger.published(sample.id)
                return

    async def _idle(self) -> None:
        while self._publishing:
            await asyncio.wait(self._publishing)


@asynccontextmanager
async def application(
    urls: Sequence[str], names: Names, ledger: TimedLedger, chance: Random
) -> AsyncIterator[Application]:
    """Connected from now on, as far as that can be; `hear` is to be set before anything is published."""
    app = Application(urls, names, ledger, lambda _: None, chance)
    task = asyncio.create_task(app.connect_again_and_again())
    try:
        yield app
    finally:
        task.cancel()
        await asyncio.wait([task])
