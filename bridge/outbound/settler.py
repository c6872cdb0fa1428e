"""Carrying out a settlement: Redis first, then the event and the copy, then the acknowledgement (contract 7.2).

Every step waits for the one before it to be safe; none holds up another message. A crash between two steps leaves
either the claim or the delivery, and the next worker goes on from there (the record of a finished claim says what
is still owed: see `record`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import structlog

from bridge.broker.message import Delivery, forward
from bridge.model.events import MtReport
from bridge.model.names import WAIT_RUNGS_S, Names
from bridge.model.outcome import Doubt
from bridge.outbound.body import InvalidMt
from bridge.outbound.flight import Flight, Stage
from bridge.outbound.ports import ClaimsPort, LinkPort, OutboxPort
from bridge.outbound.record import UNREADABLE, correlation_of, dump_accepted, dump_ended, load
from bridge.outbound.retry import rung_after, rung_for_lease
from bridge.outbound.settle import (
    Accept,
    Again,
    Elsewhere,
    End,
    Resend,
    Settlement,
    Standing,
    Wait,
    decide_settlement,
)
from bridge.outbound.tell import dead_copy, invalid_messages, origin_of, outcome_message, report_of
from bridge.store.claims import Recorded, Unmatched
from bridge.store.correlation import Correlation

log = structlog.get_logger(__name__)

NO_CARRIER_RUNG_S = 5
"""How long a message waits that only providers without a link up may still carry."""


class Hand(Protocol):
    """What the settler asks of the dispatcher."""

    def place(self, flight: Flight) -> None: ...
    def resend(self, flight: Flight) -> None: ...
    def forget(self, flight: Flight) -> None: ...


LateMatch = Callable[[Sequence[Unmatched], Correlation, Callable[[], None]], None]
"""Takes receipts that went out unmatched, the MT they turned out to speak of, and what to call when that is told."""


class Settler:
    """Carries out what was decided. Bounded by the flights in hand."""

    def __init__(
        self,
        names: Names,
        accepted_events: frozenset[str],
        claims: ClaimsPort,
        outbox: OutboxPort,
        late_match: LateMatch,
    ) -> None:
        self._names = names
        self._accepted_events = accepted_events
        self._claims = claims
        self._outbox = outbox
        self._late_match = late_match
        self._hand: Hand
        self.tally: Counter[tuple[str, ...]] = Counter()

    def attach(self, hand: Hand) -> None:
        """Whose flights these are."""
        self._hand = hand

    # The six settlements

    def settle(
        self, flight: Flight, link: LinkPort | None, settlement: Settlement, standing: Standing
    ) -> None:
        """Do what was decided."""
        flight.stage = Stage.SETTLING
        match settlement:
            case Accept(smsc_id):
                assert link is not None  # noqa: S101  an answer came over a link
                self._answered(flight, smsc_id, link, partial(self._accepted, flight, smsc_id, link))
            case Again(answered=False):
                self._hand.place(flight)
            case Again() | Elsewhere():
                self._release(flight)
                self._hand.place(flight)
            case Wait():
                flight.counted = standing.counted + 1
                self._climb(flight, rung_after(flight.counted))
            case Resend(reason):
                flight.counted = standing.counted + 1
                self._resend(flight, link, reason)
            case End():
                self._end(flight, link, settlement)

    def doubt(self, flight: Flight, reason: str, standing: Standing) -> None:
        """A dead worker's doubt, taken over with its claim."""
        self.settle(flight, None, decide_settlement(Doubt(reason), standing), standing)

    def expire(self, flight: Flight) -> None:
        """Its time has passed before it was sent."""
        flight.stage = Stage.SETTLING
        self._end(flight, None, End("expired", "expires_at has passed"))

    def _end(self, flight: Flight, link: LinkPort | None, end: End) -> None:
        flight.parked = end.outcome == "parked"
        report = report_of(flight, end.outcome, link, reason=end.reason, status=end.status)
        info = dump_ended(report, sealed=False)
        self._claims.finish(flight.mt_key, flight.owner, info, partial(self._finished, flight, report, info))

    def _finished(self, flight: Flight, report: MtReport, info: str, ours: bool) -> None:
        if not ours:
            # The id ended, or is being sent, under another claim: that one tells its outcome.
            log.warning("mt.fenced", id=flight.mt.id, outcome=report.outcome)
            self._done(flight)
            return
        self.tally["ended", flight.route, report.outcome] += 1
        log.info(
            "mt.ended", outcome=report.outcome, id=flight.mt.id, route=flight.route, reason=report.reason
        )
        self._tell_end(flight, report, info)

    def _tell_end(self, flight: Flight, report: MtReport, info: str) -> None:
        """The event and the dead copy, then the seal, then the acknowledgement."""
        messages = [outcome_message(self._names, flight, report)]
        if report.outcome != "expired":
            word = "doubt" if report.outcome == "parked" else report.outcome
            messages.append(dead_copy(self._names, flight.deliveries[-1], word, report.reason or ""))
        seal = dump_ended(report, sealed=True)
        self._outbox.send_all(
            messages, lambda: self._claims.amend(flight.mt_key, info, seal, lambda _ours: self._done(flight))
        )

    def _accepted(self, flight: Flight, smsc_id: str, link: LinkPort, recorded: Recorded) -> None:
        self.tally["ended", flight.route, "accepted"] += 1
        if recorded.fenced:
            log.warning("mt.fenced", id=flight.mt.id, outcome="accepted", link=link.name)
        if flight.route not in self._accepted_events:
            self._done(flight)
            return
        report = report_of(flight, "accepted", link, smsc_ids=(smsc_id or None,))
        self._outbox.send_all([outcome_message(self._names, flight, report)], lambda: self._done(flight))

    def _resend(self, flight: Flight, link: LinkPort | None, reason: str) -> None:
        """`resent` is confirmed before a second copy can leave."""
        flight.doubt = True
        report = report_of(flight, "resent", link, reason=reason)
        self.tally["resent", flight.route, ""] += 1
        log.warning("mt.resent", id=flight.mt.id, route=flight.route, reason=reason)
        event = outcome_message(self._names, flight, report, str(flight.counted))
        self._outbox.send_all([event], partial(self._resent, flight))

    def _resent(self, flight: Flight) -> None:
        if flight.late is not None:
            self.accept_late(flight)
        else:
            self._hand.resend(flight)

    # Waiting and giving back

    def climb_again(self, flight: Flight) -> None:
        """A resend that has no other link to go to waits like a refused message."""
        self._climb(flight, rung_after(flight.counted))

    def wait_for_lease(self, flight: Flight, wait_ms: int) -> None:
        """Another worker may be sending it: it comes back when that worker's lease may have passed."""
        flight.claimed_at = None
        self._climb(flight, rung_for_lease(wait_ms))

    def wait_for_link(self, flight: Flight) -> None:
        """Only providers without a link up, or too busy, may still carry it: it waits in RabbitMQ, not here."""
        self._climb(flight, NO_CARRIER_RUNG_S)

    def _climb(self, flight: Flight, rung_s: int) -> None:
        """Onto the ladder, with what we know of it."""
        flight.stage = Stage.SETTLING
        self._release(flight)
        delivery = flight.deliveries[-1]
        message = forward(
            delivery,
            self._names.wait(rung_s),
            self._names.route_key(flight.route, flight.lane),
            flight.travel_headers(),
        )
        self._outbox.send_all([message], partial(self._climbed, flight))

    def _climbed(self, flight: Flight) -> None:
        if flight.claimed_at is not None and flight.doubt:
            # The claim goes on telling of the doubt, to the copy and to any other of this id, but its lease ends now.
            self._claims.claim(flight.mt_key, flight.owner, 0, lambda _claim: None)
        self._done(flight)

    def give_back(self, flight: Flight) -> None:
        """To RabbitMQ, where any other worker may take it; its claim first, so that none mistakes it for doubt.

        What has happened to it travels with a copy only: such a one goes by the lowest rung.
        """
        flight.stage = Stage.SETTLING
        if flight.learned:
            self._climb(flight, WAIT_RUNGS_S[0])
        elif flight.claimed_at is None or flight.takeover:
            self._requeue(flight)
        else:
            self._claims.release(flight.mt_key, flight.give_up_claim(), partial(self._requeue, flight))

    def _requeue(self, flight: Flight) -> None:
        for delivery in flight.deliveries:
            delivery.requeue()
        self._hand.forget(flight)

    def _release(self, flight: Flight) -> None:
        if flight.claimed_at is not None and not flight.needs_claim:
            self._claims.release(flight.mt_key, flight.give_up_claim(), _nothing)

    # Late answers and repeats

    def accept_late(self, flight: Flight) -> None:
        """The doubt was groundless: accepted after all, and no second copy has left."""
        assert flight.late is not None  # noqa: S101
        smsc_id, link = flight.late
        flight.stage = Stage.SETTLING
        self._answered(flight, smsc_id, link, partial(self._accepted, flight, smsc_id, link))

    def record_late(self, flight: Flight) -> None:
        """The provider holds it after all; whatever was decided meanwhile stands, but its receipts can be matched."""
        assert flight.late is not None  # noqa: S101
        smsc_id, link = flight.late
        self._answered(flight, smsc_id, link, partial(self._resolved, flight, smsc_id, link))

    def _resolved(self, flight: Flight, smsc_id: str, link: LinkPort, _recorded: Recorded) -> None:
        if not flight.parked:
            return
        reason = "a late answer accepted it"
        report = report_of(flight, "resolved", link, reason=reason, smsc_ids=(smsc_id or None,))
        log.info("mt.resolved", id=flight.mt.id, link=link.name)
        self._outbox.send_all([outcome_message(self._names, flight, report)], _nothing)

    def repeat(self, flight: Flight, info: str) -> None:
        """The id has ended before: only its outcome event is told again, with what a crash left owing."""
        flight.stage = Stage.SETTLING
        flight.claimed_at = None
        try:
            record = load(info)
        except ValueError as error:
            log.error("mt.claim_unreadable", id=flight.mt.id, reason=str(error))  # noqa: TRY400  no trace needed
            record = UNREADABLE
        self.tally["repeat", flight.route, record.report.outcome] += 1
        log.info("mt.repeat", id=flight.mt.id, route=flight.route, outcome=record.report.outcome)
        if record.report.outcome == "accepted":
            self._repeat_accepted(flight, record.report, info)
        elif record.sealed:
            self._outbox.send_all(
                [outcome_message(self._names, flight, record.report)], partial(self._done, flight)
            )
        else:
            self._tell_end(flight, record.report, info)

    def _repeat_accepted(self, flight: Flight, report: MtReport, info: str) -> None:
        """Recorded once more: the worker that did it may have died before it told the receipts it found with it."""
        flight.doubt = report.possible_duplicate
        entry = correlation_of(flight, report.smsc_ids[0] or "", report.origin.provider or "")
        messages = (
            [outcome_message(self._names, flight, report)] if flight.route in self._accepted_events else []
        )

        def recorded(_recorded: Recorded) -> None:
            self._outbox.send_all(messages, partial(self._done, flight))

        self._claims.answered(
            flight.mt_key, flight.owner, info, entry, partial(self._recorded, entry, recorded)
        )

    def invalid(self, route: str, delivery: Delivery, found: InvalidMt) -> None:
        """A body that is no MT: told, kept for a person to look at, acknowledged."""
        log.warning("mt.invalid", id=found.id, route=route, field=found.field, reason=found.reason)
        self.tally["ended", route, "invalid"] += 1
        self._outbox.send_all(invalid_messages(self._names, route, delivery, found), delivery.ack)

    # The pieces

    def _answered(
        self, flight: Flight, smsc_id: str, link: LinkPort, then: Callable[[Recorded], None]
    ) -> None:
        entry = correlation_of(flight, smsc_id, link.provider)
        info = dump_accepted(smsc_id, origin_of(link), possible_duplicate=flight.doubt)
        self._claims.answered(flight.mt_key, flight.owner, info, entry, partial(self._recorded, entry, then))

    def _recorded(self, entry: Correlation, then: Callable[[Recorded], None], recorded: Recorded) -> None:
        if recorded.unmatched:
            self._late_match(recorded.unmatched, entry, partial(then, recorded))
        else:
            then(recorded)

    def _done(self, flight: Flight) -> None:
        for delivery in flight.deliveries:
            delivery.ack()
        self._hand.forget(flight)


def _nothing() -> None:
    """Nothing waits for this step."""
