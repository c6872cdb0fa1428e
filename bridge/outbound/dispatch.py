"""The MT's way through this worker: delivery -> lane -> link -> outcome -> settlement.

Nothing here awaits: deliveries, claim verdicts and answers arrive as calls, and what has become possible is done
once per loop turn and route (`_pump`). Decisions are in `settle`, `retry`, `pacing`, `lanes`, `route` and `parts`;
claiming and writing is in `sender`; what a settlement does to Redis and RabbitMQ is in `settler`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Literal

import structlog

from bridge.broker.message import Delivery
from bridge.config.settings import RouteSettings
from bridge.model.names import Lane
from bridge.model.outcome import Accepted, Outcome
from bridge.outbound.board import Consuming, LinkBoard
from bridge.outbound.body import InvalidMt, read_mt
from bridge.outbound.flight import Flight, SegmentRef, Stage, generation_of, key_of
from bridge.outbound.links import LinkSlot
from bridge.outbound.ports import ClaimsPort, LinkPort
from bridge.outbound.route import Route
from bridge.outbound.sender import Sender
from bridge.outbound.settle import result_word
from bridge.outbound.settler import Settler

log = structlog.get_logger(__name__)

CLAIM_AGAIN_S = 0.25
"""How long to leave Redis alone after it could not say whether a message is claimed."""

UNSETTLED: Literal["unsettled"] = "unsettled"
"""In place of a link: of a message whose earlier copy has to be settled before it can go anywhere."""
Way = LinkSlot | Literal["unsettled"] | None


class Dispatcher:
    """All MTs in this worker's hands, by claim key."""

    def __init__(
        self,
        routes: Mapping[str, RouteSettings],
        links: Sequence[LinkPort],
        claims: ClaimsPort,
        settler: Settler,
        consuming: Consuming,
        *,
        worker: str,
        body_limit: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._settler = settler
        self._worker = worker
        self._body_limit = body_limit
        self._owners = count(1)
        self._board = LinkBoard(links, routes, consuming, self._wake, self._link_lost)
        self.routes = self._board.routes
        self._sender = Sender(self.routes, self._board, claims, settler, self)
        self._flights: dict[str, Flight] = {}
        self._claims_held = False
        self._empty = asyncio.Event()
        self.stopping = False
        self.tally = settler.tally
        settler.attach(self)

    @property
    def in_hand(self) -> int:
        """How many MTs this worker holds."""
        return len(self._flights)

    # Deliveries

    def take(self, route_name: str, lane: Lane, delivery: Delivery) -> None:
        """A delivery from a route's queue."""
        self.tally["taken", route_name, lane] += 1
        mt = read_mt(delivery.body, delivery.message_id, self._body_limit)
        if isinstance(mt, InvalidMt):
            self._settler.invalid(route_name, delivery, mt)
            return
        mt_key = key_of(mt.id, generation_of(delivery))
        known = self._flights.get(mt_key)
        if known is not None:
            # Redelivered to us, or published twice: one flight settles them all.
            if delivery.redelivered:
                known.deliveries = [old for old in known.deliveries if old.alive]
            known.deliveries.append(delivery)
            return
        route = self.routes[route_name]
        flight = Flight(mt, route_name, lane, delivery, mt_key, f"{self._worker}:{next(self._owners)}")
        flight.choosy = route.is_choosy(mt)
        if flight.refused_by and not route.other_providers(flight, ""):
            flight.refused_by = frozenset()
        self._flights[mt_key] = flight
        if flight.trouble is not None and flight.trouble.waits:
            self._settler.waiting.wait_for_site(flight)
        else:
            self._enter(flight, route)

    def _enter(self, flight: Flight, route: Route) -> None:
        """To the end of its lane, if there is a link to wait for."""
        if self._stranded(flight, route):
            self._settler.waiting.wait_for_link(flight)
        else:
            route.lanes.push(flight)
            self._wake(route)

    def forget(self, flight: Flight) -> None:
        """Settled: its deliveries are acknowledged or given back."""
        self._flights.pop(flight.mt_key, None)
        if not self._flights:
            self._empty.set()

    # Choosing

    def _wake(self, route: Route) -> None:
        if not route.pump_due:
            route.pump_due = True
            self._loop.call_soon(self._pump, route)

    def wake_all(self) -> None:
        """Redis is back, or a pause is over."""
        for route in self.routes.values():
            self._wake(route)

    def _pump(self, route: Route) -> None:
        route.pump_due = False
        if self.stopping or self._claims_held:
            return
        now = self._loop.time()

        def way(flight: Flight) -> Way:
            if flight.long is not None and (flight.long.parts.abandoned or route.forsaken(flight, now)):
                return UNSETTLED
            if flight.unsettled:
                return UNSETTLED
            return route.ready_link(flight, now)

        while route.lanes:
            chosen = route.lanes.take(way)
            if chosen is None:
                return
            flight, slot = chosen
            if isinstance(slot, LinkSlot):
                self._sender.claim(flight, slot, now)
            else:
                self._sender.claim_unsettled(flight, now)

    def hold_claims(self) -> None:
        """Redis could not say whether a message is claimed."""
        if not self._claims_held:
            self._claims_held = True
            self._loop.call_later(CLAIM_AGAIN_S, self._claim_again)

    def _claim_again(self) -> None:
        self._claims_held = False
        self.wake_all()

    # What links tell

    def link_changed(self, link: LinkPort) -> None:
        """The link was bound, lost, stalled, or has a free slot again."""
        self._board.link_changed(link)

    def attempt_ended(self, link: LinkPort, ref: object, outcome: Outcome) -> None:
        """The one outcome of a submit."""
        self._sender.attempt_ended(link, ref, outcome)

    def answered_late(self, link: LinkPort, ref: object, outcome: Outcome) -> None:
        """An answer to a submit that had been given up: it still names a message the provider holds."""
        assert isinstance(ref, Flight | SegmentRef)  # noqa: S101
        flight = ref if isinstance(ref, Flight) else ref.flight
        if not isinstance(outcome, Accepted):
            log.info("mt.late_refusal", id=flight.mt.id, link=link.name, result=result_word(outcome))
            return
        waits = flight.stage is Stage.WAITING and self._flights.get(flight.mt_key) is flight
        if waits:
            self.routes[flight.route].lanes.remove(flight)
        if isinstance(ref, Flight):
            flight.late = (outcome.smsc_id, link)
            if waits:
                self._settler.accept_late(flight)
            else:
                self._settler.record_late(flight)
            return
        self._settler.segment_late(ref, outcome.smsc_id, link)
        if waits and flight.complete:
            self._settler.accept_segments(flight)
        elif waits:
            self.place(flight)

    # Giving back

    def place(self, flight: Flight) -> None:
        """Back to the head of its lane, or to RabbitMQ when no link of its route is up (or we are stopping)."""
        route = self.routes[flight.route]
        flight.stage = Stage.WAITING
        if self.stopping or not route.prefetch(self._loop.time()):
            self._settler.waiting.give_back(flight)
        elif self._stranded(flight, route):
            self._settler.waiting.wait_for_link(flight)
        else:
            route.lanes.push_front(flight)
            self._wake(route)

    def _stranded(self, flight: Flight, route: Route) -> bool:
        """Whether it can only wait for providers that have no link up, or are too busy."""
        if not (flight.refused_by or flight.begun or flight.choosy):
            return False
        if flight.refused_by and route.lanes.full_of_restricted:
            return True
        now = self._loop.time()
        return not route.other_link_up(flight, None, now) and not route.forsaken(flight, now)

    def _link_lost(self, route: Route) -> None:
        """What waits may have another link, or none any more. A route without any gets all back: see `consume`."""
        if route.prefetch(self._loop.time()):
            for flight in route.lanes.drain():
                self._enter(flight, route)
        self._wake(route)

    def resend(self, flight: Flight) -> None:
        """A doubtful message whose second copy may leave now: over another link, or up the ladder if there is none.

        Of a long one only what was not taken, to the same provider; the whole if that provider will not get the rest.
        """
        route, now = self.routes[flight.route], self._loop.time()
        long = flight.long
        if long is not None and long.parts.begun:
            long.parts = long.parts.told() if route.can_go_on(flight, now) else long.parts.given_up()
        avoided = next((slot for slot in route.slots if slot.key == flight.avoid), None)
        if self.stopping or not route.other_link_up(flight, avoided, now):
            self._settler.waiting.climb(flight)
        else:
            self._settler.waiting.let_go(flight)
            self.place(flight)

    def return_waiting(self, route_name: str) -> None:
        """All that waits for a link of this route goes back to RabbitMQ, for any other worker."""
        for flight in self.routes[route_name].lanes.drain():
            self._settler.waiting.give_back(flight)

    async def stop(self) -> None:
        """Soft stop: nothing new is sent; returns when nothing is in flight any more. The caller sets the limit."""
        self.stopping = True
        self._board.close()
        while self._flights:
            self._empty.clear()
            await self._empty.wait()
