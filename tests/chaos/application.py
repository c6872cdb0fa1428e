"""The application on the other side of RabbitMQ: it publishes MTs and hears all events, over every outage.

It connects past the doors, to whichever node answers. An MT that RabbitMQ did not confirm is not published again:
whether it is there is for the audit to allow for. It shares no code with the bridge's own way to RabbitMQ; what it
costs is taken from the bridge, which has the same machine, so that it writes and acknowledges many at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from itertools import cycle
from random import Random

import aiormq
import aiormq.abc
import aiormq.exceptions
import orjson
from aiormq import spec
from aiormq.channel import Channel

from bridge.model.names import Names
from bridge.proof.bench_frames import FrameWriter
from bridge.proof.load import Sample, samples
from tests.chaos.closed import Texts
from tests.chaos.ledger import TimedLedger

PREFETCH = 1000
ACK_PAUSE_S = 0.02
CONFIRM_S = 30.0
MOST_UNCONFIRMED = 500
TICK_S = 0.02
AGAIN_S = 0.3
_LOST = (aiormq.exceptions.AMQPError, OSError, RuntimeError, StopAsyncIteration)


def is_lost(error: BaseException | None) -> bool:
    """Whether that is what a call ends with when RabbitMQ goes away under it.

    TimeoutError is an OSError; StopAsyncIteration is what the library says of a connection that ends as soon as it was
    made, and a bare Exception, or a cancellation that nobody asked for, of calls that were under way.
    """
    return (
        type(error) is Exception
        or isinstance(error, _LOST)
        or (isinstance(error, asyncio.CancelledError) and not _is_cancelled())
    )


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextmanager
def _whatever_is_lost() -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if not is_lost(error):
            raise


class Application:
    """Made by `application`; `hear` gets the body of every event."""

    def __init__(
        self,
        urls: Sequence[str],
        names: Names,
        ledger: TimedLedger,
        routes: Mapping[str, float],
        chance: Random,
    ) -> None:
        """`routes`: which share of the MTs each gets."""
        self.texts = Texts()
        """Every text that was published."""
        self.hear: Callable[[bytes], None] = lambda _: None
        self.check: Callable[[], None] = lambda: None
        """Raises what ended its connecting again and again, if anything did."""
        self._urls = urls
        self._names = names
        self._ledger = ledger
        self._routes, self._shares = [*routes], [*routes.values()]
        self._chance = chance
        self._samples = samples(Random(chance.random()))
        self._connected = asyncio.Event()
        self._allowed = True
        self._writer: FrameWriter | None = None
        self._open: dict[int, tuple[str, float]] = {}
        """What was published and not answered: the MT, and when; the oldest first."""
        self._published = 0
        self._loop = asyncio.get_running_loop()

    async def until_connected(self) -> None:
        """Wait until it hears events."""
        await self._connected.wait()

    @asynccontextmanager
    async def silent(self) -> AsyncIterator[None]:
        """Nothing is published meanwhile, and all that was is answered."""
        self._allowed = False
        try:
            await self._idle()
            yield
        finally:
            self._allowed = True

    async def produce(self, rate: float, backlog: int, done: asyncio.Event) -> None:
        """Publish so many MTs a second until it is done with, but none while so many are under way already.

        Back when each of them was answered.
        """
        due, before = 0.0, self._loop.time()
        while not done.is_set():
            await asyncio.sleep(TICK_S)
            now = self._loop.time()
            due, before = due + rate * (now - before), now
            self._give_up(now - CONFIRM_S)
            while due >= 1:
                due -= 1
                if self._may_publish(backlog):
                    self._publish(next(self._samples))
        await self._idle()

    async def connect_again_and_again(self) -> None:
        """Until cancelled."""
        for url in cycle(self._urls):
            with _whatever_is_lost():
                await self._stay_connected(url)
            self._connected.clear()
            self._writer = None
            self._give_up(self._loop.time())
            await asyncio.sleep(AGAIN_S)

    async def _stay_connected(self, url: str) -> None:
        async with asyncio.timeout(5):
            connection = await aiormq.connect(url)
        try:
            async with asyncio.timeout(10):
                hearing = await connection.channel(publisher_confirms=False)
                publishing = await connection.channel()
                await hearing.basic_qos(prefetch_count=PREFETCH)
                queue = f"{self._names.prefix}.heard"
                await hearing.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
                await hearing.queue_bind(queue, self._names.inbound, "#")
                await hearing.basic_consume(queue, _Ears(hearing, self).take)
            assert isinstance(publishing, Channel)
            self._writer = FrameWriter(publishing, self._names.mt)
            self._connected.set()
            await asyncio.wait(
                [it.closing for it in (connection, hearing, publishing)],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            with _whatever_is_lost():
                async with asyncio.timeout(3):
                    await connection.close()

    def _may_publish(self, backlog: int) -> bool:
        unconfirmed = len(self._open)
        return (
            self._allowed
            and self._writer is not None
            and unconfirmed < MOST_UNCONFIRMED
            and unconfirmed + len(self._ledger.under_way) < backlog
        )

    def _publish(self, sample: Sample) -> None:
        assert self._writer is not None
        self.texts.note(sample.body["text"], sample.id)
        (route,) = self._chance.choices(self._routes, self._shares)
        key = self._names.route_key(route, sample.lane)
        body = orjson.dumps({"id": sample.id, **sample.body})
        for _ in range(sample.times):
            self._published += 1
            self._open[self._published] = sample.id, self._loop.time()
            answered = partial(self._answered, self._published, sample.id)
            self._writer.put(key, sample.id.encode(), body, answered)

    def _answered(self, number: int, mt_id: str, answer: asyncio.Future[object]) -> None:
        """RabbitMQ confirmed it, or refused it, or was lost."""
        self._open.pop(number, None)
        lost = answer.cancelled() or answer.exception() is not None
        self._ledger.published(mt_id, confirmed=not lost and isinstance(answer.result(), spec.Basic.Ack))

    def _give_up(self, before: float) -> None:
        """What was published before that and is not answered may be there or not."""
        while self._open:
            number, (mt_id, at) = next(iter(self._open.items()))
            if at > before:
                return
            del self._open[number]
            self._ledger.published(mt_id, confirmed=False)

    async def _idle(self) -> None:
        while self._open:
            self._give_up(self._loop.time() - CONFIRM_S)
            await asyncio.sleep(TICK_S)


class _Ears:
    """Hears the messages of one channel, and acknowledges many at a time."""

    def __init__(self, channel: aiormq.abc.AbstractChannel, app: Application) -> None:
        self._channel = channel
        self._app = app
        self._last = 0
        self._acking: asyncio.Task[None] | None = None

    async def take(self, message: aiormq.abc.DeliveredMessage) -> None:
        """One message; they come in order."""
        self._app.hear(message.body)
        assert message.delivery_tag is not None
        self._last = message.delivery_tag
        if self._acking is None:
            self._acking = asyncio.create_task(self._ack())

    async def _ack(self) -> None:
        await asyncio.sleep(ACK_PAUSE_S)
        self._acking = None
        with _whatever_is_lost():
            await self._channel.basic_ack(self._last, multiple=True, wait=False)


@asynccontextmanager
async def application(
    urls: Sequence[str], names: Names, ledger: TimedLedger, routes: Mapping[str, float], chance: Random
) -> AsyncIterator[Application]:
    """Connected from now on, as far as that can be; `hear` is to be set before anything is published."""
    app = Application(urls, names, ledger, routes, chance)
    task = asyncio.create_task(app.connect_again_and_again())
    app.check = lambda: task.result() if task.done() else None
    try:
        yield app
    finally:
        task.cancel()
        await asyncio.wait([task])
