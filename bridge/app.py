"""The composition root: settings become objects, objects become one task group, signals become a soft or hard stop.

The only place that knows all rooms. Decides nothing about messages.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

import structlog

from bridge import __version__
from bridge.broker.broker import Broker
from bridge.broker.errors import BrokerUnavailable
from bridge.broker.outbox import Outbox
from bridge.config.settings import Settings
from bridge.dialects.deliver import join_segments
from bridge.inbound.deadlines import Deadlines
from bridge.inbound.early import PREFETCH, EarlyReceipts
from bridge.inbound.receive import Receiver
from bridge.inbound.relations import Relations
from bridge.links.bind import Bind
from bridge.links.plan import read_options
from bridge.links.pool import Sites, SiteState, build_links
from bridge.measures import metrics
from bridge.model.inbound import Inbound
from bridge.model.names import Names
from bridge.model.outcome import Outcome
from bridge.ops.metrics import registry_of
from bridge.ops.server import OpsServer
from bridge.ops.sites import SiteNews
from bridge.outbound.consume import RouteConsumers
from bridge.outbound.dispatch import Dispatcher
from bridge.outbound.settler import Settler
from bridge.store.store import Store, StoreUnavailable

log = structlog.get_logger(__name__)

DRAIN_S = 30.0
"""How long a soft stop may finish what is in flight (contract 7.6)."""
LEAVE_S = 5.0
"""How long the binds may take to say goodbye after that."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
"""Between attempts to reach RabbitMQ and Redis at start."""


class Stop:
    """How the outside tells a worker to end: once softly, twice hard."""

    def __init__(self) -> None:
        self.soft = asyncio.Event()
        self.hard = asyncio.Event()

    def request(self) -> None:
        """A signal came."""
        (self.hard if self.soft.is_set() else self.soft).set()


def worker_name() -> str:
    """Who this worker is, in claims, events and logs: unique over machines, processes and restarts."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Worker:
    """One worker of the pool. Make it inside a running loop, `run` it once."""

    version = __version__

    def __init__(self, settings: Settings, *, ops_port_offset: int = 0) -> None:
        """`ops_port_offset`: added to the port of `ops.listen`, where several workers share a machine.

        Raises links.tls.Unusable for certificates that cannot be used.
        """
        self.worker = worker_name()
        self._leaving = False
        self._names = names = Names(settings.broker.prefix)
        self._store = Store(settings.redis, worker=self.worker)
        self._broker = Broker(settings.broker, names, list(settings.routes), worker=self.worker)
        self._links = build_links(settings, self)
        self._sites = Sites(self._links, self._site_changed)
        self._news = SiteNews(names, self._broker.publisher, self._links, worker=self.worker)
        self._outbox = Outbox(self._broker.publisher)
        providers = settings.providers.items()
        join = {
            name: partial(join_segments, options=read_options(one)) for name, one in providers if one.smpp
        }
        relations = Relations({name: one.smpp.ids for name, one in providers if one.smpp})
        wait = settings.inbound
        self._receiver = Receiver(
            names,
            self._store.receipts,
            self._store.segments,
            self._broker.publisher,
            self._outbox,
            worker=self.worker,
            join=join,
            relations=relations,
            early_wait_s=wait.early_dr_wait_seconds,
            mo_repeat_s=wait.mo_repeat_seconds,
            segment_wait_s=wait.segment_wait_seconds,
        )
        self._early = EarlyReceipts(
            names,
            self._store.receipts,
            self._outbox,
            relations=relations,
            early_wait_s=wait.early_dr_wait_seconds,
        )
        self._deadlines = Deadlines(
            names,
            self._store.receipts,
            self._store.segments,
            self._outbox,
            worker=self.worker,
            join=join,
            segment_wait_s=wait.segment_wait_seconds,
            mo_repeat_s=wait.mo_repeat_seconds,
        )
        self._consumers = RouteConsumers(names, settings.routes, self._broker)
        accepted_events = frozenset(name for name, route in settings.routes.items() if route.accepted_events)
        self._dispatcher = Dispatcher(
            settings.routes,
            [link for link in self._links if link.transmits],
            self._store.claims,
            Settler(
                names,
                accepted_events,
                self._store.claims,
                self._outbox,
                self._receiver.matched_late,
                join_s=wait.dr_join_hours * 3600,
            ),
            self._consumers,
            worker=self.worker,
            body_limit=settings.limits.mt_bytes,
        )
        self._consumers.attach(self._dispatcher.take, self._dispatcher.return_waiting)
        self._store.on_change(self._store_changed)
        inbound = (self._receiver, self._early, self._deadlines)
        self._ops = OpsServer(
            settings.ops.listen.host,
            settings.ops.listen.port and settings.ops.listen.port + ops_port_offset,
            self,
            registry_of(list(metrics(self._links, self._dispatcher, inbound, self._broker, self._store))),
        )

    # Life

    async def run(self, stop: Stop) -> None:
        """Work until told to stop.

        Raises ops.server.CannotListen and broker.errors.TopologyError before anything is consumed.
        """
        structlog.contextvars.bind_contextvars(worker=self.worker)
        self._ops.open()
        # Before anything else: whoever watches the worker must see that it waits, and for what.
        pages = asyncio.create_task(self._ops.run(), name="ops")
        try:
            if await self._reach(stop):
                await self._serve(stop)
        finally:
            pages.cancel()
            await asyncio.gather(pages, return_exceptions=True)
            self._ops.close()
            await self._broker.close()
            await self._store.close()
            log.info("worker.stopped")

    async def _reach(self, stop: Stop) -> bool:
        """Wait for Redis and RabbitMQ, saying so; False when told to stop before they came."""
        for what, attempt in (("Redis", self._open_store), ("RabbitMQ", self._broker.open)):
            if not await _unless(stop.soft, _until_reached(what, attempt), None):
                return False
        return True

    async def _open_store(self) -> None:
        await self._store.open()
        for warning in await self._store.check():
            log.warning("redis.setting", problem=warning)

    async def _serve(self, stop: Stop) -> None:
        self._broker.subscribe(self._names.early, PREFETCH, self._early.take)
        services: list[Coroutine[Any, Any, None]] = [
            self._store.run(),
            self._broker.run(),
            self._consumers.run(),
            self._receiver.run(),
            self._deadlines.run(),
        ]
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(service) for service in services]
            binds: list[asyncio.Task[None]] = []
            if await _unless(stop.soft, self._connected(), None):
                binds += [group.create_task(link.run(), name=f"bind {link.name}") for link in self._links]
            log.info("worker.started", version=self.version, binds=len(binds))
            await stop.soft.wait()
            log.info("worker.stopping", in_hand=self._dispatcher.in_hand)
            await self._drain(stop, binds)
            for task in (*binds, *running):
                task.cancel()

    async def _connected(self) -> None:
        """Return when both RabbitMQ and Redis are in use: what a bind brings or tells can be stored then."""
        changed = asyncio.Event()
        for part in (self._broker, self._store):
            part.on_change(lambda _up: changed.set())
        while not (self._broker.up and self._store.up):
            await changed.wait()
            changed.clear()

    async def _settle(self) -> None:
        await self._dispatcher.stop()
        await self._outbox.idle()

    async def _drain(self, stop: Stop, binds: Sequence[asyncio.Task[None]]) -> None:
        """Finish what is in flight, then unbind; a second signal ends the waiting."""
        if not await _unless(stop.hard, self._settle(), DRAIN_S):
            log.warning("worker.undrained", in_hand=self._dispatcher.in_hand)
        self._leaving = True  # its sites are not down because we go
        for link in self._links:
            link.stop()
        if binds:
            await _unless(stop.hard, asyncio.wait(binds), LEAVE_S)
        await _unless(stop.hard, self._store.idle(), LEAVE_S)

    # What links tell (links.events.LinkEvents)

    def link_changed(self, link: Bind) -> None:
        """To those who send, and to those who watch sites."""
        if link.transmits:
            self._dispatcher.link_changed(link)
        self._sites.link_changed(link)

    def attempt_ended(self, link: Bind, ref: object, outcome: Outcome) -> None:
        """To those who send."""
        self._dispatcher.attempt_ended(link, ref, outcome)

    def answered_late(self, link: Bind, ref: object, outcome: Outcome) -> None:
        """To those who send."""
        self._dispatcher.answered_late(link, ref, outcome)

    def received(self, link: Bind, inbound: Inbound, answer: Callable[[bool], None]) -> None:
        """To those who receive."""
        self._receiver.received(link, inbound, answer)

    def alarm(self, link: Bind, reason: str) -> None:
        """To those who watch sites."""
        self._news.alarm(link, reason)

    def _site_changed(self, state: SiteState) -> None:
        if not self._leaving:
            self._news.changed(state)

    def _store_changed(self, up: bool) -> None:
        if up:
            self._dispatcher.wake_all()

    # What operators see (ops.health.State)

    @property
    def broker_up(self) -> bool:
        """Both connections to RabbitMQ."""
        return self._broker.up

    @property
    def store_up(self) -> bool:
        """Redis."""
        return self._store.up

    @property
    def links(self) -> Sequence[Bind]:
        """All links of all providers."""
        return self._links

    @property
    def routes(self) -> Mapping[str, Mapping[str, Any]]:
        """Each route: how many MTs wait here for a link."""
        return {name: {"waiting": len(route.lanes)} for name, route in self._dispatcher.routes.items()}


async def _until_reached(what: str, attempt: Callable[[], Awaitable[None]]) -> None:
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            await attempt()
            return
        except (BrokerUnavailable, StoreUnavailable) as error:
            log.warning("worker.waiting", waiting_for=what, reason=str(error), next_try_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, Any], limit_s: float | None) -> bool:
    """Do the work unless the event comes first or the limit passes; whether it was done. Raises what it raises."""
    task, interrupted = asyncio.ensure_future(work), asyncio.ensure_future(event.wait())
    try:
        done, _ = await asyncio.wait(
            {task, interrupted}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
        )
        if task in done:
            task.result()
        return task in done
    finally:
        for future in (task, interrupted):
            future.cancel()
        await asyncio.gather(task, interrupted, return_exceptions=True)
