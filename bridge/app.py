"""One worker's life: its objects become one task group, signals become a soft or hard stop.

What runs in it is put together in `assembly.py`. Decides nothing about messages.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog

from bridge import __version__
from bridge.assembly import Assembly
from bridge.broker.errors import BrokerUnavailable
from bridge.config.settings import Settings
from bridge.inbound.callbacks.errors import CannotListen
from bridge.inbound.early import PREFETCH
from bridge.links.pool import Link, SiteState
from bridge.measures import metrics
from bridge.model.inbound import Inbound
from bridge.model.outcome import Outcome
from bridge.ops.metrics import registry_of
from bridge.ops.server import OpsServer
from bridge.store.store import StoreUnavailable

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
        self._rooms = rooms = Assembly(settings, self, self._site_changed, worker=self.worker)
        self._store, self._broker = rooms.store, rooms.broker
        self._dispatcher, self._door = rooms.dispatcher, rooms.door
        self._store.on_change(self._store_changed)
        self._ops = OpsServer(
            settings.ops.listen.host,
            settings.ops.listen.port and settings.ops.listen.port + ops_port_offset,
            self,
            registry_of(list(metrics(rooms))),
        )

    # Life

    async def run(self, stop: Stop) -> None:
        """Work until told to stop.

        Raises CannotListen (ops.server, inbound.callbacks.errors) and broker.errors.TopologyError before anything is
        consumed.
        """
        structlog.contextvars.bind_contextvars(worker=self.worker)
        self._ops.open()
        self._open_door()
        # Before anything else: whoever watches the worker must see that it waits, and for what.
        pages = asyncio.create_task(self._ops.run(), name="ops")
        try:
            if await self._reach(stop):
                await self._serve(stop)
        finally:
            pages.cancel()
            await asyncio.gather(pages, return_exceptions=True)
            self._ops.close()
            if self._door is not None:
                self._door.close()
            await self._broker.close()
            await self._store.close()
            log.info("worker.stopped")

    def _open_door(self) -> None:
        """A taken port is to be known before anything starts."""
        if self._door is None:
            return
        try:
            self._door.open()
        except CannotListen:
            self._ops.close()
            raise

    async def _reach(self, stop: Stop) -> bool:
        """Wait for Redis and RabbitMQ, saying so; False when told to stop before they came."""
        steps: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("Redis", self._open_store),
            ("RabbitMQ", self._broker.connect),
            ("Redis", self._begin),
            ("RabbitMQ", self._broker.open),
        )
        for what, attempt in steps:
            if not await _unless(stop.soft, _until_reached(what, attempt), None):
                return False
        return True

    async def _begin(self) -> None:
        """Before anything is declared, or another worker would take it for older than what Redis knows."""
        await self._store.begin(used_before=self._broker.used_before)

    async def _open_store(self) -> None:
        await self._store.open()
        for warning in await self._store.check():
            log.warning("redis.setting", problem=warning)

    async def _serve(self, stop: Stop) -> None:
        self._broker.subscribe(self._rooms.names.early, PREFETCH, self._rooms.early.take)
        services: list[Coroutine[Any, Any, None]] = [
            self._store.run(),
            self._broker.run(),
            self._rooms.consumers.run(),
            self._rooms.receiver.run(),
            self._rooms.deadlines.run(),
        ]
        async with asyncio.TaskGroup() as group:
            running = [group.create_task(service) for service in services]
            outside: list[asyncio.Task[None]] = []
            if await _unless(stop.soft, self._connected(), None):
                outside = [
                    group.create_task(link.run(), name=f"{link.via} {link.name}")
                    for link in self._rooms.links
                ]
                self._started()
                if self._door is not None:
                    outside.append(group.create_task(self._door.run(), name="callbacks"))
            log.info("worker.started", version=self.version, links=len(self._rooms.links))
            await stop.soft.wait()
            log.info("worker.stopping", in_hand=self._dispatcher.in_hand)
            await self._drain(stop, outside)
            for task in (*outside, *running):
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
        await self._rooms.outbox.idle()

    def _started(self) -> None:
        """An endpoint may be used before anything was heard of it; a bind tells when it is bound."""
        for link in self._rooms.links:
            if link.active:
                self.link_changed(link)

    async def _drain(self, stop: Stop, outside: Sequence[asyncio.Task[None]]) -> None:
        """Finish what is in flight, then unbind and close the door; a second signal ends the waiting."""
        if not await _unless(stop.hard, self._settle(), DRAIN_S):
            log.warning("worker.undrained", in_hand=self._dispatcher.in_hand)
        self._leaving = True  # its sites are not down because we go
        for link in self._rooms.links:
            link.stop()
        if self._door is not None:
            self._door.stop()
        if outside:
            await _unless(stop.hard, asyncio.wait(outside), LEAVE_S)
        await _unless(stop.hard, self._store.idle(), LEAVE_S)

    # What links tell (links.events.LinkEvents)

    def link_changed(self, link: Link) -> None:
        """To those who send, and to those who watch sites."""
        if link.transmits:
            self._dispatcher.link_changed(link)
        self._rooms.sites.link_changed(link)

    def attempt_ended(self, link: Link, ref: object, outcome: Outcome) -> None:
        """To those who send."""
        self._dispatcher.attempt_ended(link, ref, outcome)

    def answered_late(self, link: Link, ref: object, outcome: Outcome) -> None:
        """To those who send."""
        self._dispatcher.answered_late(link, ref, outcome)

    def received(self, link: Link, inbound: Inbound, answer: Callable[[bool], None]) -> None:
        """To those who receive."""
        self._rooms.receiver.received(link, inbound, answer)

    def alarm(self, link: Link, reason: str) -> None:
        """To those who watch sites."""
        self._rooms.news.alarm(link, reason)

    def _site_changed(self, state: SiteState) -> None:
        if not self._leaving:
            self._rooms.news.changed(state)

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
    def links(self) -> Sequence[Link]:
        """All links of all providers."""
        return self._rooms.links

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
