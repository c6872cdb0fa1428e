"""The bridge's side of RabbitMQ: two connections that are kept up, one publisher, any number of subscriptions.

Publishing and consuming have a connection each: an alarm of the broker stops publishers, and would stop the acks
behind them. Each connection has one supervisor; what runs on it ends with it and is set up on the next.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from bridge.broker.backoff import Backoff
from bridge.broker.declare import apply, check, check_dead_lettering
from bridge.broker.errors import BrokerUnavailable, ChannelLost, TopologyError
from bridge.broker.message import Delivery
from bridge.broker.publisher import CONFIRM_LIMIT_S, Publisher
from bridge.broker.session import Session, Urls
from bridge.broker.subscription import NOT_FOUND, Subscription
from bridge.broker.tolerance import read_what_comes
from bridge.broker.topology import topology
from bridge.broker.wire import wire_on
from bridge.config.settings import BrokerSettings
from bridge.model.names import Names

log = structlog.get_logger(__name__)

_ALARM_PROBE_S = 0.25
_ALARM_PATIENCE_S = 0.01


class Broker:
    """RabbitMQ as one object. `open` once, then `run` until the end, then `close`.

    Must be made inside a running loop.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        names: Names,
        routes: Sequence[str],
        *,
        worker: str,
        confirm_limit_s: float = CONFIRM_LIMIT_S,
    ) -> None:
        """`worker` shows in RabbitMQ's list of connections; `confirm_limit_s`: after it a publish is UNKNOWN."""
        read_what_comes()
        self.publisher = Publisher(confirm_limit_s=confirm_limit_s)
        self._declares = settings.declare
        self._urls = Urls([url.get_secret_value() for url in settings.urls])
        self._items = topology(names, routes)
        self._probe = f"{names.prefix}.probe"
        self._worker = worker
        self._subscriptions: dict[Subscription, asyncio.Task[None] | None] = {}
        self._callbacks: list[Callable[[bool], None]] = []
        self._publishing: Session | None = None
        self._consuming: Session | None = None
        self._consumers: asyncio.TaskGroup | None = None
        self._was_up = False
        self.used_before = False
        """Whether exchanges of this prefix were there when we connected first."""

    @property
    def up(self) -> bool:
        """Whether both connections work."""
        return self._consumers is not None and self.publisher.connected

    def on_change(self, callback: Callable[[bool], None]) -> None:
        """Call this whenever `up` changes, with its new value."""
        self._callbacks.append(callback)

    async def connect(self) -> None:
        """Connect once, and see whether a bridge of this prefix was here before (`used_before`).

        Raises BrokerUnavailable.
        """
        self._publishing = await self._connect("publish")
        async with self._looked_at():
            self._consuming = await self._connect("consume")
            try:
                await check(self._consuming, self._items[:1])
            except TopologyError:
                self.used_before = False
            else:
                self.used_before = True

    async def open(self) -> None:
        """Connect, unless that is done, and declare the topology, or check it if `declare` is false.

        Raises BrokerUnavailable, or TopologyError naming all that is missing or different.
        """
        if self._consuming is None:
            await self.connect()
        async with self._looked_at():
            assert self._consuming is not None  # noqa: S101
            await (apply if self._declares else check)(self._consuming, self._items)
            await check_dead_lettering(self._consuming, self._probe)

    @asynccontextmanager
    async def _looked_at(self) -> AsyncIterator[None]:
        """What fails closes what is open."""
        try:
            yield
        except ChannelLost as lost:
            place = self._consuming.place if self._consuming is not None else "?"
            await self.close()
            raise BrokerUnavailable(
                f"RabbitMQ at {place} failed while its queues were looked at: {lost.reason}"
            ) from lost
        except BaseException:
            await self.close()
            raise

    async def run(self) -> None:
        """Keep both connections up until cancelled; then end consumers and connections in order."""
        publishing, self._publishing = self._publishing, None
        consuming, self._consuming = self._consuming, None
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep("publish", publishing, self._publish_on))
            group.create_task(self._keep("consume", consuming, self._consume_on))

    async def close(self) -> None:
        """Close what `open` opened and `run` did not take over. Never raises."""
        for session in (self._publishing, self._consuming):
            if session is not None:
                await session.close()
        self._publishing = self._consuming = None

    def subscribe(self, queue: str, prefetch: int, on_delivery: Callable[[Delivery], None]) -> Subscription:
        """Consume a queue from now on, over all reconnects, until the subscription is cancelled.

        `on_delivery` is called in the loop and must be fast; `prefetch` 1 to 2,000 (quorum queues allow no more).
        """
        subscription = Subscription(queue, prefetch, on_delivery)
        self._subscriptions[subscription] = None
        if self._consumers is not None and self._consuming is not None:
            self._start(subscription, self._consumers, self._consuming)
        return subscription

    async def _connect(self, purpose: str) -> Session:
        return await self._urls.connect(f"{self._worker} {purpose}")

    async def _keep(
        self, purpose: str, session: Session | None, use: Callable[[Session], Awaitable[None]]
    ) -> None:
        """Use one session after the other."""
        backoff = Backoff()
        while True:
            if session is None:
                session = await self._reconnect(purpose, backoff)
            try:
                await use(session)
                log.warning("broker.lost", place=session.place, purpose=purpose, reason=session.death)
            finally:
                self._tell()
                await session.close()
            backoff.lasted(session.age_s)
            session = None
            await asyncio.sleep(backoff.next_s())

    async def _reconnect(self, purpose: str, backoff: Backoff) -> Session:
        while True:
            try:
                session = await self._connect(purpose)
            except BrokerUnavailable as error:
                log.warning("broker.unavailable", purpose=purpose, reason=str(error))
                await asyncio.sleep(backoff.next_s())
            else:
                log.info("broker.connected", place=session.place, purpose=purpose)
                return session

    def _tell(self) -> None:
        if self.up == self._was_up:
            return
        self._was_up = self.up
        for callback in self._callbacks:
            callback(self._was_up)

    async def _publish_on(self, session: Session) -> None:
        """Publish on this session until it is dead."""
        backoff = Backoff()
        alarms = asyncio.create_task(self._watch_alarms(session))
        try:
            while session.alive:
                wire = await wire_on(session)
                started = session.age_s
                self.publisher.attach(wire)
                self._tell()
                try:
                    lost = await wire.closed()
                finally:
                    self.publisher.pause()
                    await wire.close()
                if session.alive:
                    log.error("publisher.channel_closed", reason=lost.reason, action="opening another")
                    backoff.lasted(session.age_s - started)
                    await asyncio.sleep(backoff.next_s())
                    if lost.code == NOT_FOUND:
                        await self._repair(session)
        except ChannelLost as error:
            log.warning("publisher.interrupted", reason=str(error))
        finally:
            alarms.cancel()
            self.publisher.detach()
            await asyncio.wait([alarms])

    async def _watch_alarms(self, session: Session) -> None:
        """Tell the publisher of the broker's memory and disk alarms. The library only lets us wait for their end."""
        while True:
            try:
                async with asyncio.timeout(_ALARM_PATIENCE_S):
                    await session.unblocked()
            except TimeoutError:
                log.warning(
                    "broker.blocked", place=session.place, reason="a memory or disk alarm of RabbitMQ"
                )
                self.publisher.block(True)
                await session.unblocked()
                self.publisher.block(False)
                log.info("broker.unblocked", place=session.place)
            await asyncio.sleep(_ALARM_PROBE_S)

    async def _consume_on(self, session: Session) -> None:
        """Serve all subscriptions on this session until it is dead."""
        async with asyncio.TaskGroup() as group:
            self._consumers, self._consuming = group, session
            try:
                for subscription in list(self._subscriptions):
                    self._start(subscription, group, session)
                self._tell()
                await session.closed()
            finally:
                self._consumers = self._consuming = None
                for task in self._subscriptions.values():
                    if task is not None:
                        task.cancel()

    def _start(self, subscription: Subscription, group: asyncio.TaskGroup, session: Session) -> None:
        def ended(_: asyncio.Task[None]) -> None:
            if subscription.cancelled:
                self._subscriptions.pop(subscription, None)

        if subscription.cancelled:
            self._subscriptions.pop(subscription, None)
            return
        task = group.create_task(subscription.serve(session, self._repair))
        self._subscriptions[subscription] = task
        task.add_done_callback(ended)

    async def _repair(self, session: Session) -> None:
        """Declare what was deleted behind our back, if declaring is ours to do. Never raises."""
        if not self._declares:
            log.error("topology.missing", action="run `bridge topology apply`")
            return
        try:
            await apply(session, self._items)
        except (ChannelLost, TopologyError) as error:
            log.error("topology.not_repaired", reason=str(error))  # noqa: TRY400 - known, no trace needed
        else:
            log.warning("topology.repaired", place=session.place)
