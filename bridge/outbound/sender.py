"""One MT and one link: claim -> write -> outcome -> settlement.

A message holds reserved slots of its link from the claim on, so that the claim is the last thing before the write.
Which message goes and over which link is decided in `dispatch`; what is particular to segments is in `volleys`.
"""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Protocol

from bridge.model.attempt import Attempt
from bridge.model.outcome import Accepted, Doubt, Duplicate, NotSent, Outcome, Rejected
from bridge.model.times import rfc3339
from bridge.model.web import HttpRequest
from bridge.outbound import volleys
from bridge.outbound.board import LinkBoard
from bridge.outbound.flight import Flight, SegmentRef, Stage
from bridge.outbound.links import LinkSlot
from bridge.outbound.ports import Body, ClaimsPort, LinkPort, LongBody
from bridge.outbound.route import Route
from bridge.outbound.settle import Accept, decide_settlement, result_word
from bridge.outbound.settler import Settler
from bridge.outbound.trouble import Trouble
from bridge.outbound.volleys import inherit, plan
from bridge.store.claims import Claim

CLAIM_FRESH_S = 5.0
"""A claim older than this is renewed before the write: a worker that was paused must not send on a lease gone by."""

_WHOLE = (bytes, HttpRequest, Rejected)


class Desk(Protocol):
    """What the sender asks of the dispatcher."""

    def place(self, flight: Flight) -> None: ...
    def hold_claims(self) -> None: ...


class Sender:
    """Sends what it is told to, and hands the outcome to the settler."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        board: LinkBoard,
        claims: ClaimsPort,
        settler: Settler,
        desk: Desk,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._routes = routes
        self._board = board
        self._claims = claims
        self._settler = settler
        self._desk = desk

    # Claiming

    def claim(self, flight: Flight, slot: LinkSlot, now: float) -> None:
        """Ask for the claim of a flight that is to leave over this link, which is ready."""
        flight.prepared = self._prepare(flight, slot.link)
        if (flight.long is not None or not isinstance(flight.prepared, _WHOLE)) and not plan(flight, slot):
            self._desk.place(flight)
            return
        flight.begin_copy()
        long = flight.long
        if long is None:
            state = flight.bequest(None) if flight.counted else ""  # of a first copy there is nothing to say
            self._ask(flight, slot, 1, slot.link.lease_s, now, state)
        else:
            state = volleys.claimed_state(flight, long, slot.link)
            self._ask(flight, slot, len(long.volley), slot.link.lease_s, now, state, long.counter)

    def claim_unsettled(self, flight: Flight, now: float) -> None:
        """Ask for the claim of a flight whose earlier copy has to be settled before it can go anywhere."""
        lease_s = max(slot.link.lease_s for slot in self._routes[flight.route].slots)
        state = flight.bequest(None if flight.long is None else flight.long.parts)
        self._ask(flight, None, 0, lease_s, now, state)

    def _ask(
        self,
        flight: Flight,
        slot: LinkSlot | None,
        reserve: int,
        lease_s: float,
        now: float,
        state: str = "",
        counter: str = "",
    ) -> None:
        flight.stage = Stage.CLAIMING
        flight.claimed_at = now
        if slot is not None:
            slot.reserved += reserve
        self._claims.claim(
            flight.mt_key,
            flight.owner,
            int(lease_s * 1000),
            partial(self._claimed, flight, slot, reserve),
            takeover=flight.takeover,
            seen=flight.seen,
            redelivered=flight.redelivered,
            counter=counter,
            reference=flight.long.reference if flight.long is not None else 0,
            state=state,
        )

    def _prepare(self, flight: Flight, link: LinkPort) -> Body | LongBody | Rejected:
        from_ = flight.mt.from_ or self._routes[flight.route].settings.from_
        if not from_:
            return Rejected(None, "no `from` in the MT and none configured for its route")
        return link.prepare(flight.mt, flight.mt_key, from_, time.time())

    def _claimed(self, flight: Flight, slot: LinkSlot | None, reserved: int, claim: Claim | None) -> None:
        if slot is not None:
            self._board.unreserved(slot, reserved)
        if claim is None:
            self._desk.hold_claims()
            self._desk.place(flight)
            return
        if flight.late is not None:
            self._settler.accept_late(flight)
            return
        match claim.verdict:
            case "busy":
                self._settler.waiting.wait_for_lease(flight, claim.wait_ms)
            case "stale" | "lost":
                # A worker died between its claim and the answer, or left it: now it is ours to go on with.
                inherit(flight, claim)
                self._desk.place(flight)
            case _ if flight.complete:
                self._settler.accept_segments(flight)
            case "done":
                flight.names = self._routes[flight.route].names_of(flight, None)
                self._settler.repeat(flight, claim.info)
            case _:
                flight.takeover = False
                if flight.long is not None:
                    flight.long.holder = flight.owner
                if slot is not None:
                    self._go(flight, slot, claim)
                elif flight.unsettled or flight.begun is not None:
                    self._in_doubt(flight)
                else:
                    self._settler.retire(flight)

    def _in_doubt(self, flight: Flight) -> None:
        reason, flight.unsettled = flight.unsettled or volleys.why_forsaken(flight), ""
        flight.note(Attempt(rfc3339(time.time()), "", "", "", "doubt"))
        route = self._routes[flight.route]
        flight.names = route.names_of(flight, None)
        self._settler.doubt(flight, reason, route.standing(flight, ""))

    # Submitting

    def _go(self, flight: Flight, slot: LinkSlot, claim: Claim) -> None:
        expires_at = flight.mt.expires_at
        if expires_at is not None and expires_at <= time.time():
            self._settler.expire(flight)
            return
        if isinstance(flight.prepared, Rejected):
            self._unfit(flight, slot.link, flight.prepared)
            return
        fresh = flight.claimed_at is not None and self._loop.time() - flight.claimed_at < CLAIM_FRESH_S
        if not fresh or not self._write(flight, slot, claim.reference):
            self._settler.unsent(flight)
            return
        flight.stage = Stage.SUBMITTED

    @staticmethod
    def _write(flight: Flight, slot: LinkSlot, reference: int) -> bool:
        if flight.long is not None:
            flight.long.reference = reference
            return volleys.write(flight, flight.long, slot)
        if not slot.link.submit(flight.prepared, flight, flight.failures_at(slot.link.provider)):
            return False
        slot.in_flight += 1
        return True

    def attempt_ended(self, link: LinkPort, ref: object, outcome: Outcome) -> None:
        """The one outcome of a submit."""
        slot = self._board.ended(link, outcome)
        if isinstance(ref, Flight):
            self._ended(ref, slot, outcome)
            return
        assert isinstance(ref, SegmentRef)  # noqa: S101  nothing else is handed to links
        of_volley = volleys.answered(ref, link, outcome, self._settler)
        if of_volley is not None:
            self._ended(ref.flight, slot, of_volley)

    def _ended(self, flight: Flight, slot: LinkSlot, outcome: Outcome) -> None:
        link, route = slot.link, self._routes[flight.route]
        if not isinstance(outcome, Accepted):
            flight.avoid = slot.key
        if isinstance(outcome, Rejected):
            flight.refused_by |= {link.provider}
        settlement = (
            Accept(outcome.smsc_id)
            if isinstance(outcome, Accepted) and flight.long is None  # nearly all: no more of it matters
            else decide_settlement(outcome, route.standing(flight, link.provider, link))
        )
        failed = isinstance(outcome, NotSent | Doubt) and outcome.link_failed
        if failed:
            flight.trouble = Trouble(link.provider, link.name, flight.failures_at(link.provider) + 1)
        else:
            flight.trouble = None
        if isinstance(outcome, Doubt | Duplicate):
            flight.names = route.names_of(flight, link)
        if not isinstance(outcome, Accepted) or (
            route.settings.accepted_events and isinstance(settlement, Accept)
        ):
            at, word = rfc3339(time.time()), result_word(outcome)
            flight.note(Attempt(at, link.provider, link.site, link.name, word))
        if flight.late is not None and (flight.long is not None or not isinstance(settlement, Accept)):
            self._settler.accept_late(flight)
            return
        flight.bounced = isinstance(outcome, NotSent) and outcome.status is not None and not failed
        self._settler.settle(flight, link, settlement)

    def _unfit(self, flight: Flight, link: LinkPort, refusal: Rejected) -> None:
        """It cannot be put into this provider's words: no link had a part in that."""
        flight.note(Attempt(rfc3339(time.time()), link.provider, "", "", "not sent"))
        flight.refused_by |= {link.provider}
        standing = self._routes[flight.route].standing(flight, link.provider)
        self._settler.settle(flight, None, decide_settlement(refusal, standing))
