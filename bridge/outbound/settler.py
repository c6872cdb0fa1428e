"""Carrying out a settlement: what is recorded, told or tried again, and when the next step is safe.

Every step waits for the one before it to be safe; none holds up another message. A crash between two steps leaves
either the claim or the delivery, and the next worker goes on from there. How answers get into Redis is in
`recorder`, how an end is told in `endings`, how a message is set aside in `waiting`.
"""

from functools import partial
from typing import Protocol

import structlog

from bridge.broker.message import Delivery
from bridge.model.names import Names
from bridge.model.outcome import Doubt
from bridge.outbound.body import InvalidMt
from bridge.outbound.endings import Endings
from bridge.outbound.expectations import Expectations
from bridge.outbound.flight import Flight, Long, SegmentRef, Stage
from bridge.outbound.ports import ClaimsPort, LinkPort, OutboxPort
from bridge.outbound.recorder import LateMatch, Recorder
from bridge.outbound.settle import (
    Accept,
    Again,
    Elsewhere,
    End,
    Resend,
    Resubmit,
    Settlement,
    Standing,
    Wait,
    decide_settlement,
)
from bridge.outbound.tell import outcome_message, report_of
from bridge.outbound.waiting import Waiting
from bridge.store.claims import Recorded

log = structlog.get_logger(__name__)


class Hand(Protocol):
    """What the settler asks of the dispatcher."""

    def place(self, flight: Flight) -> None: ...
    def resend(self, flight: Flight) -> None: ...
    def forget(self, flight: Flight) -> None: ...


class Settler:
    """Carries out what was decided. Bounded by the flights in hand."""

    def __init__(
        self,
        names: Names,
        accepted_events: frozenset[str],
        claims: ClaimsPort,
        outbox: OutboxPort,
        late_match: LateMatch,
        *,
        join_s: float,
    ) -> None:
        """`join_s`: how long an MT's receipts may take before what is known of it is told instead."""
        self._names = names
        self._claims = claims
        self._outbox = outbox
        self._recorder = Recorder(claims, late_match, join_s)
        self._expectations = Expectations(names, outbox, self._recorder)
        self.resolve = self._expectations.resolve
        self._endings = Endings(
            names, accepted_events, claims, outbox, self._recorder, self._expectations, self._forget
        )
        self.waiting = Waiting(names, claims, outbox, self._endings.done, self._forget)
        self._hand: Hand
        self.tally = self._endings.tally

    def attach(self, hand: Hand) -> None:
        """Whose flights these are."""
        self._hand = hand

    def _forget(self, flight: Flight) -> None:
        self._hand.forget(flight)

    # The settlements

    def settle(self, flight: Flight, link: LinkPort | None, settlement: Settlement) -> None:
        """Do what was decided."""
        flight.stage = Stage.SETTLING
        match settlement:
            case Accept(smsc_id):
                assert link is not None  # noqa: S101  an answer came over a link
                self._accept(flight, smsc_id, link)
            case Again(answered=False):
                self.unsent(flight)
            case Again() | Elsewhere():
                self.waiting.let_go(flight)
                self._hand.place(flight)
            case Wait():
                flight.counted += 1
                self.waiting.climb(flight)
            case Resubmit(after_s):
                self.waiting.send_home(flight, after_s)
                self.waiting.wait_for_site(flight)
            case Resend(reason, same_after_s):
                flight.counted += 1
                if same_after_s is not None:
                    self.waiting.send_home(flight, same_after_s)
                self._resend(flight, link, reason)
            case End():
                self._endings.end(flight, link, settlement)

    def doubt(self, flight: Flight, reason: str, standing: Standing) -> None:
        """Doubt that no attempt of this worker's ended in."""
        self.settle(flight, None, decide_settlement(Doubt(reason), standing))

    def expire(self, flight: Flight) -> None:
        """Its time has passed before it was sent, or sent whole."""
        flight.stage = Stage.SETTLING
        self._endings.end(flight, None, End("expired", "expires_at has passed"))

    def invalid(self, route: str, delivery: Delivery, found: InvalidMt) -> None:
        """A body that is no MT."""
        self._endings.invalid(route, delivery, found)

    def repeat(self, flight: Flight, info: str) -> None:
        """The id has ended before."""
        self._endings.repeat(flight, info)

    # Accepted

    def _accept(self, flight: Flight, smsc_id: str, link: LinkPort) -> None:
        if flight.long is not None:
            self.accept_segments(flight)
        else:
            self._recorder.single(flight, smsc_id, link, partial(self._accepted, flight, smsc_id, link))

    def _accepted(self, flight: Flight, smsc_id: str, link: LinkPort, recorded: Recorded) -> None:
        if recorded.fenced:
            log.warning("mt.fenced", id=flight.mt.id, outcome="accepted", link=link.name)
        self._endings.accepted(flight, link, (smsc_id or None,))

    def accept_late(self, flight: Flight) -> None:
        """The doubt was groundless: accepted after all, and no second copy has left."""
        assert flight.late is not None  # noqa: S101
        smsc_id, link = flight.late
        flight.stage = Stage.SETTLING
        self._recorder.single(flight, smsc_id, link, partial(self._accepted, flight, smsc_id, link))

    def record_late(self, flight: Flight) -> None:
        """The provider holds it after all; whatever was decided meanwhile stands, but its receipts can be matched."""
        assert flight.late is not None  # noqa: S101
        smsc_id, link = flight.late
        self._recorder.single(flight, smsc_id, link, partial(self._late_recorded, flight, smsc_id, link))

    def _late_recorded(self, flight: Flight, smsc_id: str, link: LinkPort, _recorded: Recorded) -> None:
        if flight.parked:
            self._endings.resolved(flight, link, (smsc_id or None,))

    # Segments

    def accept_segments(self, flight: Flight) -> None:
        """All segments are taken."""
        long, link = _taken_whole(flight)
        flight.stage = Stage.SETTLING
        self._recorder.whole(flight, long, lambda: self._endings.accepted(flight, link))

    def segment_taken(self, ref: SegmentRef, smsc_id: str, link: LinkPort) -> None:
        """The provider took a segment: recorded at once."""
        self._recorder.segment(ref, smsc_id, link, ref.flight.owner)

    def segment_late(self, ref: SegmentRef, smsc_id: str, link: LinkPort) -> None:
        """The provider took a segment that had been given up: it will not be sent again."""
        flight, long = ref.flight, ref.flight.long
        # A claim on its way is executed before this is.
        owner = flight.owner if long is None or flight.stage is Stage.CLAIMING else long.holder
        if not self._recorder.segment(ref, smsc_id, link, owner) or long is None:
            return
        if flight.stage is Stage.WAITING:
            flight.seen = flight.bequest(long.parts)
        elif flight.parked and flight.complete:
            self._resolve_segments(flight)

    def _resolve_segments(self, flight: Flight) -> None:
        """A parked MT turns out to be taken whole."""
        long, link = _taken_whole(flight)
        self._recorder.whole(flight, long, lambda: self._endings.resolved(flight, link))

    def retire(self, flight: Flight) -> None:
        """The claim is surely ours, and says that a copy is given up: so are its receipts, before another is begun."""
        self._claims.retire(flight.mt_key, _nothing)
        flight.long = None
        self._hand.place(flight)

    # Doubt

    def _resend(self, flight: Flight, link: LinkPort | None, reason: str) -> None:
        """`resent` is confirmed before a second copy can leave."""
        flight.doubt = True
        self._expectations.expect(flight, parked=False)
        report = report_of(flight, "resent", link, reason=reason)
        self.tally["resent", flight.route, ""] += 1
        log.warning("mt.resent", id=flight.mt.id, route=flight.route, reason=reason)
        event = outcome_message(self._names, flight, report, flight.copy)
        self._outbox.send_all([event], partial(self._resent, flight))

    def _resent(self, flight: Flight) -> None:
        flight.told = flight.copy
        if flight.late is not None:
            self.accept_late(flight)
        elif flight.complete:
            self.accept_segments(flight)
        elif flight.trouble is not None and flight.trouble.home is not None:
            self.waiting.wait_for_site(flight)
        else:
            self._hand.resend(flight)

    def unsent(self, flight: Flight) -> None:
        """Nothing of it was written: a claim that says so already is kept, for it goes again at once."""
        if flight.long is not None:
            self.waiting.let_go(flight)
        self._hand.place(flight)


def _taken_whole(flight: Flight) -> tuple[Long, LinkPort]:
    """What accepted it: its segments, and the link that brought the last answer."""
    long = flight.long
    assert long is not None  # noqa: S101
    assert long.link is not None  # noqa: S101
    return long, long.link


def _nothing() -> None:
    """Nothing waits for this step."""
