"""Telling how an MT ended: Redis first, then the event and the dead copy, then the acknowledgement (contract 7.2).

A crash between two steps leaves either the claim or the delivery; the record of a finished claim says what is still
owed (see `record`), and a repeat of the MT brings that about. Not responsible for what does not end here: retries,
resends, giving back (`settler`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import structlog

from bridge.broker.message import Delivery
from bridge.model.events import MtReport
from bridge.model.names import Names
from bridge.outbound.body import InvalidMt
from bridge.outbound.expectations import Expectations
from bridge.outbound.flight import Flight, Stage
from bridge.outbound.ports import ClaimsPort, LinkPort, OutboxPort
from bridge.outbound.record import UNREADABLE, Record, dump_ended, load
from bridge.outbound.recorder import Recorder
from bridge.outbound.settle import End
from bridge.outbound.tell import dead_copy, invalid_messages, outcome_message, report_of

log = structlog.get_logger(__name__)


class Endings:
    """The ends of MTs. `forget` is told of each that is over."""

    def __init__(
        self,
        names: Names,
        accepted_events: frozenset[str],
        claims: ClaimsPort,
        outbox: OutboxPort,
        recorder: Recorder,
        expectations: Expectations,
        forget: Callable[[Flight], None],
    ) -> None:
        self._names = names
        self._accepted_events = accepted_events
        self._claims = claims
        self._outbox = outbox
        self._recorder = recorder
        self._expectations = expectations
        self._forget = forget
        self.tally: Counter[tuple[str, ...]] = Counter()

    # Accepted

    def accepted(self, flight: Flight, link: LinkPort, smsc_ids: Sequence[str | None] = ()) -> None:
        """Its answer is recorded, or those of all its segments."""
        self.tally["ended", flight.route, "accepted"] += 1
        if flight.route not in self._accepted_events:
            self.done(flight)
            return
        report = report_of(flight, "accepted", link, smsc_ids=smsc_ids)
        self._outbox.send_all([outcome_message(self._names, flight, report)], lambda: self.done(flight))

    def resolved(self, flight: Flight, link: LinkPort, smsc_ids: Sequence[str | None] = ()) -> None:
        """A late answer accepted what had been parked."""
        report = report_of(flight, "resolved", link, reason="a late answer accepted it", smsc_ids=smsc_ids)
        log.info("mt.resolved", id=flight.mt.id, link=link.name)
        self._outbox.send_all([outcome_message(self._names, flight, report)], _nothing)

    # Ended otherwise

    def end(self, flight: Flight, link: LinkPort | None, end: End) -> None:
        """Its one end, but for being accepted."""
        report = report_of(flight, end.outcome, link, reason=end.reason, status=end.status)
        info = dump_ended(report, sealed=False)
        flight.parked = end.outcome == "parked"
        self._claims.finish(flight.mt_key, flight.owner, info, partial(self._finished, flight, report, info))

    def _finished(self, flight: Flight, report: MtReport, info: str, ours: bool) -> None:
        if not ours:
            log.warning("mt.fenced", id=flight.mt.id, outcome=report.outcome)
            self._fenced(flight)
            return
        self._expectations.expect(flight, parked=flight.parked)
        self.tally["ended", flight.route, report.outcome] += 1
        log.info(
            "mt.ended", outcome=report.outcome, id=flight.mt.id, route=flight.route, reason=report.reason
        )
        self._tell_end(flight, report, info)

    def _fenced(self, flight: Flight) -> None:
        """The id ended, or is being sent, under another claim, which tells its outcome; or its own late answer did it.

        That may be executed before the end is, when Redis is asked again after it was silent.
        """
        flight.parked = False
        if flight.late is None:
            self.done(flight)
            return
        smsc_id, link = flight.late
        told = partial(self.accepted, flight, link, (smsc_id or None,))
        self._recorder.single(flight, smsc_id, link, lambda _recorded: told())

    def _tell_end(self, flight: Flight, report: MtReport, info: str) -> None:
        """The event and the dead copy, then the seal, then the acknowledgement."""
        messages = [outcome_message(self._names, flight, report)]
        if report.outcome != "expired":
            word = "doubt" if report.outcome == "parked" else report.outcome
            messages.append(dead_copy(self._names, flight.deliveries[-1], word, report.reason or ""))
        seal = dump_ended(report, sealed=True)
        self._outbox.send_all(
            messages, lambda: self._claims.amend(flight.mt_key, info, seal, lambda _ours: self.done(flight))
        )

    def invalid(self, route: str, delivery: Delivery, found: InvalidMt) -> None:
        """A body that is no MT: told, kept for a person to look at, acknowledged."""
        log.warning("mt.invalid", id=found.id, route=route, field=found.field, reason=found.reason)
        self.tally["ended", route, "invalid"] += 1
        self._outbox.send_all(invalid_messages(self._names, route, delivery, found), delivery.ack)

    # Ended before

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
            self._repeat_accepted(flight, record, info)
        elif record.sealed:
            self._outbox.send_all(
                [outcome_message(self._names, flight, record.report)], partial(self.done, flight)
            )
        else:
            self._end_again(flight, record.report, info)

    def _end_again(self, flight: Flight, report: MtReport, info: str) -> None:
        """The worker that recorded this end may have died before it did anything more."""
        flight.doubt = report.possible_duplicate
        if report.outcome in ("parked", "failed"):
            self._expectations.expect(flight, parked=report.outcome == "parked")
        self._tell_end(flight, report, info)

    def _repeat_accepted(self, flight: Flight, record: Record, info: str) -> None:
        flight.doubt = record.report.possible_duplicate
        # A record that is kept for days has no attempts; a copy that was in doubt may know some.
        report = replace(record.report, attempts=tuple(flight.attempts))
        messages = (
            [outcome_message(self._names, flight, report)] if flight.route in self._accepted_events else []
        )
        self._recorder.again(
            flight, record, info, lambda: self._outbox.send_all(messages, partial(self.done, flight))
        )

    def done(self, flight: Flight) -> None:
        """Settled: its deliveries are acknowledged."""
        for delivery in flight.deliveries:
            delivery.ack()
        self._forget(flight)


def _nothing() -> None:
    """Nothing waits for this step."""
