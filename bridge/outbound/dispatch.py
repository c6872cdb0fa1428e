"""The MT's way through this worker: delivery -> lane -> claim -> link -> outcome -> settlement.

Nothing here awaits: deliveries, claim verdicts and answers arrive as calls, and what has become possible is done
once per loop turn and route (`_pump`). Decisions are in `settle`, `retry`, `pacing`, `lanes` and `route`; what a
settlement does to Redis and RabbitMQ is in `settler`.

A message holds a reserved slot of its link from the claim on, so that the claim is the last thing before the write.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count

import structlog

from bridge.broker.message import Delivery
from bridge.config.settings import RouteSettings
from bridge.model.attempt import Attempt
from bridge.model.names import Lane
from bridge.model.outcome import Accepted, NotSent, Outcome, Rejected
from bridge.model.times import rfc3339
from bridge.outbound.board import Consuming, LinkBoard
from bridge.outbound.body import InvalidMt, read_mt
from bridge.outbound.flight import Flight, Stage, generation_of
from bridge.outbound.links import LinkSlot
from bridge.outbound.ports import ClaimsPort, LinkPort
from bridge.outbound.route import Route
from bridge.outbound.settle import Standing, decide_settlement, result_word
from bridge.outbound.settler import Settler
from bridge.store.claims import Claim

log = structlog.get_logger(__name__)

CLAIM_FRESH_S = 5.0
"""A claim older than this is renewed before the write: a worker that was paused must not send on a lease gone by."""
CLAIM_AGAIN_S = 0.25
"""How long to leave Redis alone after it could not say whether a message is claimed."""


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
        self._claims = claims
        self._settler = settler
        self._worker = worker
        self._body_limit = body_limit
        self._owners = count(1)
        self._board = LinkBoard(links, routes, consuming, self._wake, self._link_lost)
        self.routes = self._board.routes
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
        generation = generation_of(delivery)
        mt_key = f"{mt.id}\t{generation}" if generation else mt.id  # no id has a tab
        known = self._flights.get(mt_key)
        if known is not None:
            # Redelivered to us, or published twice: one flight settles them all.
            if delivery.redelivered:
                known.deliveries = [old for old in known.deliveries if old.alive]
            known.deliveries.append(delivery)
            return
        route = self.routes[route_name]
        flight = Flight(mt, route_name, lane, delivery, mt_key, f"{self._worker}:{next(self._owners)}")
        if flight.refused_by and not route.other_providers(flight, ""):
            flight.refused_by = frozenset()
        self._flights[mt_key] = flight
        self._enter(flight, route)

    def _enter(self, flight: Flight, route: Route) -> None:
        """To the end of its lane, if there is a link to wait for."""
        if self._stranded(flight, route):
            self._settler.wait_for_link(flight)
        else:
            route.lanes.push(flight)
            self._wake(route)

    def forget(self, flight: Flight) -> None:
        """Settled: its deliveries are acknowledged or given back."""
        self._flights.pop(flight.mt_key, None)
        if not self._flights:
            self._empty.set()

    # Choosing and claiming

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

        def ready_link(flight: Flight) -> LinkSlot | None:
            return route.ready_link(flight, now)

        while route.lanes:
            chosen = route.lanes.take(ready_link)
            if chosen is None:
                return
            self._claim(*chosen, now)

    def _claim(self, flight: Flight, slot: LinkSlot, now: float) -> None:
        flight.pdu = self._prepare(flight, slot.link)
        flight.stage = Stage.CLAIMING
        flight.claimed_at = now
        slot.reserved += 1
        lease_ms = int(slot.link.lease_s * 1000)
        claimed = partial(self._claimed, flight, slot)
        self._claims.claim(flight.mt_key, flight.owner, lease_ms, claimed, takeover=flight.takeover)

    def _prepare(self, flight: Flight, link: LinkPort) -> bytes | Rejected:
        from_ = flight.mt.from_ or self.routes[flight.route].settings.from_
        if not from_:
            return Rejected(None, "no `from` in the MT and none configured for its route")
        return link.prepare(flight.mt, from_, time.time())

    def _claimed(self, flight: Flight, slot: LinkSlot, claim: Claim | None) -> None:
        self._board.unreserved(slot)
        if claim is None:
            self._hold_claims()
            self.place(flight)
            return
        if flight.late is not None:
            self._settler.accept_late(flight)
            return
        match claim.verdict:
            case "mine" | "taken" if flight.takeover and not flight.resend_due:
                # Mine: taken over before, but the answer that said so was lost.
                self._in_doubt(flight)
            case "stale":
                # A worker died between its claim and the answer: whose doubt it is now, it is ours to settle.
                flight.takeover = True
                flight.claimed_at = None
                self.place(flight)
            case "busy":
                self._settler.wait_for_lease(flight, claim.wait_ms)
            case "done":
                self._settler.repeat(flight, claim.info)
            case _:
                flight.takeover = False
                self._go(flight, slot)

    def _hold_claims(self) -> None:
        if not self._claims_held:
            self._claims_held = True
            self._loop.call_later(CLAIM_AGAIN_S, self._claim_again)

    def _claim_again(self) -> None:
        self._claims_held = False
        self.wake_all()

    def _in_doubt(self, flight: Flight) -> None:
        flight.takeover = False
        flight.note(Attempt(rfc3339(time.time()), "", "", "", "doubt"))
        reason = "the worker that was sending it died before the answer was recorded"
        self._settler.doubt(flight, reason, self._standing(flight, ""))

    # Submitting

    def _go(self, flight: Flight, slot: LinkSlot) -> None:
        expires_at = flight.mt.expires_at
        if expires_at is not None and expires_at <= time.time():
            self._settler.expire(flight)
            return
        if isinstance(flight.pdu, Rejected):
            self._unfit(flight, slot.link, flight.pdu)
            return
        fresh = flight.claimed_at is not None and self._loop.time() - flight.claimed_at < CLAIM_FRESH_S
        if not fresh or not slot.link.submit(flight.pdu, flight):
            self.place(flight)
            return
        flight.stage = Stage.SUBMITTED
        flight.resend_due = False
        slot.in_flight += 1

    def attempt_ended(self, link: LinkPort, ref: object, outcome: Outcome) -> None:
        """The one outcome of a submit."""
        assert isinstance(ref, Flight)  # noqa: S101  only flights are handed to links
        slot = self._board.ended(link, outcome)
        self._ended(ref, slot, outcome)

    def _ended(self, flight: Flight, slot: LinkSlot, outcome: Outcome) -> None:
        link = slot.link
        if not isinstance(outcome, Accepted):
            flight.avoid = slot.key
        if not isinstance(outcome, Accepted) or self.routes[flight.route].settings.accepted_events:
            at, word = rfc3339(time.time()), result_word(outcome)
            flight.note(Attempt(at, link.provider, link.site, link.name, word))
        if flight.late is not None and not isinstance(outcome, Accepted):
            self._settler.accept_late(flight)
            return
        if isinstance(outcome, Rejected):
            flight.refused_by |= {link.provider}
        standing = self._standing(flight, link.provider)
        flight.bounced = isinstance(outcome, NotSent) and outcome.status is not None
        self._settler.settle(flight, link, decide_settlement(outcome, standing), standing)

    def _unfit(self, flight: Flight, link: LinkPort, refusal: Rejected) -> None:
        """It cannot be put into this provider's words: no link had a part in that."""
        flight.note(Attempt(rfc3339(time.time()), link.provider, "", "", "not sent"))
        flight.refused_by |= {link.provider}
        standing = self._standing(flight, link.provider)
        self._settler.settle(flight, None, decide_settlement(refusal, standing), standing)

    def _standing(self, flight: Flight, provider: str) -> Standing:
        route = self.routes[flight.route]
        return Standing(
            counted=flight.counted,
            max_attempts=route.settings.max_attempts,
            other_providers=route.other_providers(flight, provider),
            on_doubt=flight.mt.on_doubt or route.settings.on_doubt,
            bounced=flight.bounced,
        )

    def answered_late(self, link: LinkPort, ref: object, outcome: Outcome) -> None:
        """An answer to a submit that had been given up: it still names a message the provider holds."""
        assert isinstance(ref, Flight)  # noqa: S101
        if not isinstance(outcome, Accepted):
            log.info("mt.late_refusal", id=ref.mt.id, link=link.name, result=result_word(outcome))
            return
        ref.late = (outcome.smsc_id, link)
        if ref.stage is Stage.WAITING and self._flights.get(ref.mt_key) is ref:
            self.routes[ref.route].lanes.remove(ref)
            self._settler.accept_late(ref)
        else:
            self._settler.record_late(ref)

    def link_changed(self, link: LinkPort) -> None:
        """The link was bound, lost, stalled, or has a free slot again."""
        self._board.link_changed(link)

    # Giving back

    def place(self, flight: Flight) -> None:
        """Back to the head of its lane, or to RabbitMQ when no link of its route is up (or we are stopping)."""
        route = self.routes[flight.route]
        flight.stage = Stage.WAITING
        if self.stopping or not route.prefetch(self._loop.time()):
            self._settler.give_back(flight)
        elif self._stranded(flight, route):
            self._settler.wait_for_link(flight)
        else:
            route.lanes.push_front(flight)
            self._wake(route)

    def _stranded(self, flight: Flight, route: Route) -> bool:
        """Whether only providers that have no link up, or are too busy, may still carry it."""
        if not flight.refused_by:
            return False
        return route.lanes.full_of_restricted or not route.other_link_up(flight, None, self._loop.time())

    def _link_lost(self, route: Route) -> None:
        """What waits may have another link, or none any more. A route without any gets all back: see `consume`."""
        if route.prefetch(self._loop.time()):
            for flight in route.lanes.drain():
                self._enter(flight, route)
        self._wake(route)

    def resend(self, flight: Flight) -> None:
        """A doubtful message whose second copy may leave now: over another link, or up the ladder if there is none."""
        route = self.routes[flight.route]
        avoided = next((slot for slot in route.slots if slot.key == flight.avoid), None)
        if self.stopping or not route.other_link_up(flight, avoided, self._loop.time()):
            self._settler.climb_again(flight)
        else:
            self.place(flight)

    def return_waiting(self, route_name: str) -> None:
        """All that waits for a link of this route goes back to RabbitMQ, for any other worker."""
        for flight in self.routes[route_name].lanes.drain():
            self._settler.give_back(flight)

    async def stop(self) -> None:
        """Soft stop: nothing new is sent; returns when nothing is in flight any more. The caller sets the limit."""
        self.stopping = True
        self._board.close()
        while self._flights:
            self._empty.clear()
            await self._empty.wait()
