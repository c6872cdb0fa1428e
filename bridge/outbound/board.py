"""The links as the dispatcher sees them: which are up, which have a slot, and which routes that concerns.

Tells the routes' consumers how much to hold, and wakes the routes that have become able to send.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from bridge.config.settings import RouteSettings
from bridge.model.outcome import Accepted, Outcome, Throttled
from bridge.outbound.links import LinkSlot, slots_of
from bridge.outbound.ports import LinkPort
from bridge.outbound.route import Route

log = structlog.get_logger(__name__)

EARLY_S = 0.001
"""A timer may ring this much before its time: uvloop counts in whole milliseconds."""


class Consuming(Protocol):
    """Told how many messages a route may hold; 0 is none, and what waits goes back to RabbitMQ."""

    def want(self, route: str, prefetch: int) -> None: ...


class LinkBoard:
    """All links that transmit, and the routes they serve."""

    def __init__(
        self,
        links: Sequence[LinkPort],
        routes: Mapping[str, RouteSettings],
        consuming: Consuming,
        wake: Callable[[Route], None],
        lost: Callable[[Route], None],
    ) -> None:
        """`wake`: a route has become able to send. `lost`: a route has a link less that is up."""
        self._loop = asyncio.get_running_loop()
        self._consuming = consuming
        self._wake = wake
        self._lost = lost
        self._closed = False
        self._slots = slots_of(links)
        slots = list(self._slots.values())
        self.routes = {name: Route(name, settings, slots) for name, settings in routes.items()}
        self._routes_of = {
            slot: [route for route in self.routes.values() if slot in route.slots] for slot in slots
        }

    def slot(self, link: LinkPort) -> LinkSlot:
        """The count kept of this link."""
        return self._slots[link]

    def unreserved(self, slot: LinkSlot, count: int) -> None:
        """Slots that were spoken for are free, or about to be used."""
        slot.reserved -= count
        if slot.ready(self._loop.time()):
            self._offer(slot)

    def ended(self, link: LinkPort, outcome: Outcome) -> LinkSlot:
        """An attempt over this link ended: its slot is free, unless the provider told us to slow down."""
        slot = self._slots[link]
        slot.in_flight -= 1
        if isinstance(outcome, Throttled):
            self._throttled(slot)
            return slot
        if isinstance(outcome, Accepted):
            slot.pacer.accepted()
        self._offer(slot)
        return slot

    def link_changed(self, link: LinkPort) -> None:
        """The link was bound, lost, stalled, or has a free slot again; or it is tried out, or sound again."""
        slot = self._slots[link]
        self._review(slot)
        for one in (slot, *slot.after):
            if one.link.active:
                self._offer(one)

    def close(self) -> None:
        """Nothing is consumed any more."""
        self._closed = True
        for route in self.routes:
            self._consuming.want(route, 0)

    def _offer(self, slot: LinkSlot) -> None:
        for route in self._routes_of[slot]:
            route.offer(slot)
            if route.lanes:
                self._wake(route)

    def _throttled(self, slot: LinkSlot) -> None:
        now = self._loop.time()
        paused_before = slot.pacer.paused(now)
        resume_at = slot.pacer.throttled(now)
        if not paused_before:
            log.info("link.throttled", link=slot.link.name, pause_s=round(slot.pacer.pause_s, 3))
            self._loop.call_at(resume_at + EARLY_S, self.link_changed, slot.link)
            self._review(slot)

    def _review(self, slot: LinkSlot) -> None:
        """Whether the link came up or went down, or others need stand in no more; and what consumers are to know."""
        now = self._loop.time()
        before, slot.was = slot.was, (slot.up(now), slot.link.sound)
        if slot.was == before:
            return
        for route in self._routes_of[slot]:
            self._consuming.want(route.name, 0 if self._closed else route.prefetch(now))
            if before[0] and not slot.was[0] and route.lanes:
                self._lost(route)
