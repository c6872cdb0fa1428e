"""A worker's way to the simulated RabbitMQ: connections that are lost and made again, the channels of its consumers,
its publishes and acks under way. Not responsible for what is stored (`rabbit`).
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from bridge.broker.message import Confirmation, Delivery, Outgoing, Properties
from tests.model_run.rabbit import NAMES, Stored
from tests.model_run.weather import Passage

if TYPE_CHECKING:
    from tests.model_run.worker import Worker


class Channel:
    """A consumer of one queue, and what it was given. Settling, to the deliveries of the worker."""

    def __init__(self, connection: "Connection", subscription: "Subscription") -> None:
        self._connection = connection
        self._subscription = subscription
        self.queue = subscription.queue
        self.prefetch = subscription.prefetch
        self.unacked: dict[int, Stored] = {}
        self._handed: set[int] = set()
        self._numbers = 0
        self.alive = True

    def __str__(self) -> str:
        return f"{self._connection.worker.name}: {len(self.unacked)} of {self.prefetch} from {self.queue}"

    def is_on(self, connection: "Connection") -> bool:
        return self._connection is connection

    @property
    def hungry(self) -> bool:
        return self.alive and len(self.unacked) < self.prefetch

    def send(self, stored: Stored) -> None:
        self._numbers += 1
        tag = self._numbers
        self.unacked[tag] = stored
        self._connection.to_worker(partial(self._arrives, tag, stored))

    def _arrives(self, tag: int, stored: Stored) -> None:
        self._handed.add(tag)
        properties = Properties(headers=dict(stored.headers), message_id=stored.message_id)
        exchange = NAMES.retry if stored.headers else NAMES.mt
        delivery = Delivery(self, tag, stored.body, exchange, stored.key, stored.redelivered, properties)
        self._subscription.on_delivery(delivery)

    def is_open(self, tag: int) -> bool:
        return tag in self._handed

    def ack(self, tag: int) -> None:
        if self._settles(tag):
            self._connection.world.audit.acked(self.unacked[tag])
            self._connection.step("ack", partial(self._forget, tag))

    def requeue(self, tag: int) -> None:
        if self._settles(tag):
            self._connection.step("requeue", partial(self._take_back, tag))

    def _settles(self, tag: int) -> bool:
        if not self.alive or not self._connection.worker.alive:
            return False
        assert tag in self._handed, "a delivery was settled twice"
        self._handed.discard(tag)
        return True

    def _forget(self, tag: int) -> None:
        del self.unacked[tag]
        self._connection.world.rabbit.serve()

    def _take_back(self, tag: int) -> None:
        self._connection.world.rabbit.back(self.queue, self.unacked.pop(tag))

    def lose(self) -> None:
        """It is gone: all that was not acked is ready again."""
        self.alive = False
        rabbit = self._connection.world.rabbit
        rabbit.channels.remove(self)
        unacked, self.unacked = self.unacked, {}
        for stored in unacked.values():
            rabbit.back(self.queue, stored)


class Subscription:
    """A consumer that lives over reconnects, as the worker holds it."""

    def __init__(
        self, line: "Line", queue: str, prefetch: int, on_delivery: Callable[[Delivery], None]
    ) -> None:
        self._line = line
        self.queue = queue
        self.prefetch = prefetch
        self.on_delivery = on_delivery
        self.channel: Channel | None = None

    def consume(self, connection: "Connection") -> None:
        """On a new connection."""
        self.channel = Channel(connection, self)
        connection.world.rabbit.channels.append(self.channel)
        connection.world.rabbit.serve()

    def resize(self, prefetch: int) -> None:
        self.prefetch = prefetch
        if self.channel is not None:
            self.channel.prefetch = prefetch
            self._line.worker.world.rabbit.serve()

    async def cancel(self) -> None:
        """Nothing more comes when it has returned; what came can still be settled."""
        self._line.subscriptions.remove(self)
        channel = self.channel
        if channel is None:
            return
        channel.prefetch = 0
        await self._line.round_trip()


class Connection:
    """One connection between a worker and the broker: in order, until it is lost."""

    def __init__(self, worker: "Worker") -> None:
        self.worker = worker
        self.world = worker.world
        self.live = self.reaches = True
        self._there = self._back = 0.0

    def step(self, what: str, act: Callable[[], None]) -> None:
        """Something of the worker's that crosses to the broker and is not answered."""
        match self.world.step(self.worker, "rabbit", what):
            case Passage.DIES_BEFORE:
                return
            case Passage.NEVER:
                self.worker.rabbit.cut()
            case Passage.UNHEARD:
                act()
                self.worker.rabbit.cut()
            case _:
                self.to_broker(act)

    def to_broker(self, act: Callable[[], None]) -> None:
        self._there = max(self._there, self.world.agenda.now + self.world.delay())
        self.world.agenda.at(self._there, lambda: act() if self.reaches else None)

    def to_worker(self, act: Callable[[], None]) -> None:
        self._back = max(self._back, self.world.agenda.now + self.world.delay())
        self.world.agenda.at(self._back, lambda: self.worker.do(act) if self.live else None)

    def lose_channels(self) -> None:
        for channel in [one for one in self.world.rabbit.channels if one.is_on(self)]:
            channel.lose()

    def send(self, message: Outgoing, done: Callable[[Confirmation], None]) -> Callable[[], object]:
        """A publish (`Wire`)."""
        heard = [done]

        def confirm(confirmation: Confirmation) -> None:
            if heard:
                heard.pop()(confirmation)

        def store(confirmation: Confirmation = Confirmation.CONFIRMED, *, stored: bool = True) -> None:
            if stored:
                self.world.rabbit.store(message)
            self.to_worker(partial(confirm, confirmation))

        match self.world.step(self.worker, "rabbit", "publishes", message.routing_key, message.message_id):
            case Passage.DIES_BEFORE:
                pass
            case Passage.NEVER:
                self._silence()
            case Passage.UNHEARD:
                self.world.rabbit.store(message)
                self._silence()
            case Passage.REFUSED:
                stored = self.world.chance.random() < 0.5
                self.to_broker(partial(store, Confirmation.REFUSED, stored=stored))
            case _:
                self.to_broker(store)
        return partial(self.worker.loop.call_soon, confirm, Confirmation.UNKNOWN)

    def _silence(self) -> None:
        """No confirmation comes: the connection breaks, or the broker forgets to give it."""
        if self.world.chance.random() < 0.7:
            self.worker.rabbit.cut()


class Line:
    """A worker's way to the broker over all its connections."""

    def __init__(self, worker: "Worker") -> None:
        self.worker = worker
        self.subscriptions: list[Subscription] = []
        self._connection: Connection | None = None
        self._connect()

    def subscribe(self, queue: str, prefetch: int, on_delivery: Callable[[Delivery], None]) -> Subscription:
        subscription = Subscription(self, queue, prefetch, on_delivery)
        self.subscriptions.append(subscription)
        if self._connection is not None and self._connection.live:
            subscription.consume(self._connection)
        return subscription

    async def round_trip(self) -> None:
        """Until the broker has read all that was sent to it, or the connection is lost."""
        connection = self._connection
        done: asyncio.Future[None] = self.worker.loop.create_future()
        self._trips.append(done)
        if connection is not None and connection.live:
            connection.to_broker(partial(connection.to_worker, partial(_settle, done)))
            await done

    def cut(self) -> None:
        """The connection is lost, with what is under way; the worker notices a little later."""
        connection, world = self._connection, self.worker.world
        if connection is None or not connection.live:
            return
        world.note(self.worker.name, "loses RabbitMQ")
        connection.live = connection.reaches = False
        connection.lose_channels()
        world.agenda.after(world.delay(), lambda: self.worker.do(self._lost))

    def die(self) -> None:
        """The worker is no more: what it has sent arrives, and then the broker notices."""
        connection = self._connection
        if connection is not None and connection.live:
            connection.live = False
            connection.to_broker(connection.lose_channels)

    def _lost(self) -> None:
        for subscription in self.subscriptions:
            subscription.channel = None
        for done in self._trips:
            _settle(done)
        self.worker.publisher.detach()
        self._later()

    def _later(self) -> None:
        world = self.worker.world
        world.agenda.after(world.chance.uniform(0.1, 2.0), lambda: self.worker.do(self._connect))

    def _connect(self) -> None:
        self._trips: list[asyncio.Future[None]] = []
        if not self.worker.world.rabbit.up:
            self._later()
            return
        self._connection = Connection(self.worker)
        self.worker.publisher.attach(self._connection)
        for subscription in self.subscriptions:
            subscription.consume(self._connection)


def _settle(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_result(None)
