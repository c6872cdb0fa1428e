"""What outbound publishes of an MT's end: the event, and the copy for `bridge.dead`."""

import time
from collections.abc import Sequence

from bridge.broker.message import Delivery, Outgoing, forward
from bridge.broker.outbox import event_message
from bridge.model.events import NO_ORIGIN, MtOutcome, MtReport, Origin, mt_event, origin_at
from bridge.model.ids import digest, event_id
from bridge.model.names import HEADER_AT, HEADER_DETAIL, HEADER_REASON, Names
from bridge.model.times import rfc3339
from bridge.outbound.body import InvalidMt
from bridge.outbound.flight import Flight
from bridge.outbound.ports import LinkPort


def report_of(
    flight: Flight,
    outcome: MtOutcome,
    link: LinkPort | None,
    *,
    reason: str | None = None,
    status: int | None = None,
    smsc_ids: Sequence[str | None] = (),
) -> MtReport:
    """What is to be said of this flight now. Without `smsc_ids`: what its segments, if any, are called."""
    parts = flight.long.parts if flight.long is not None and not smsc_ids else None
    return MtReport(
        outcome=outcome,
        reason=reason,
        status=status,
        smsc_ids=parts.smsc_ids if parts is not None else smsc_ids,
        segments=parts.count if parts is not None else 1,
        attempts=tuple(flight.attempts),
        possible_duplicate=flight.doubt,
        origin=origin_of(link),
    )


def outcome_message(names: Names, flight: Flight, report: MtReport, *more: str) -> Outgoing:
    """The event of an outcome. `more` tells the occurrences of one outcome apart (`resent`: the copy in doubt)."""
    ident = outcome_id(flight.mt_key, report.outcome, *more)
    now = time.time()
    return event_message(mt_event(flight.mt.id, flight.mt, flight.route, report, ident, now), names, now)


def outcome_id(mt_key: str, outcome: MtOutcome, *more: str) -> str:
    """The id of an outcome's event: the same whoever tells it."""
    return event_id("mt", mt_key, outcome, *more)


def dead_copy(names: Names, delivery: Delivery, reason: str, detail: str) -> Outgoing:
    """The original body and properties, with why it ended here (contract, section 2)."""
    headers = {HEADER_REASON: reason, HEADER_DETAIL: detail, HEADER_AT: rfc3339(time.time())}
    return forward(delivery, names.dead, delivery.routing_key, headers)


def invalid_messages(names: Names, route: str, delivery: Delivery, found: InvalidMt) -> list[Outgoing]:
    """Event and dead copy of a body that is no MT."""
    detail = f"{found.field}: {found.reason.removeprefix(found.field).lstrip()}"
    ident = event_id("mt", found.id or "", "invalid", digest(delivery.body))
    now = time.time()
    event = mt_event(found.id, None, route, MtReport(outcome="invalid", reason=detail), ident, now)
    return [event_message(event, names, now), dead_copy(names, delivery, "invalid", detail)]


def origin_of(link: LinkPort | None) -> Origin:
    """The link as events name it."""
    return origin_at(link.provider, link.site, link.via, link.name) if link is not None else NO_ORIGIN
