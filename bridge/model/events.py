"""The events the bridge publishes: their bodies, ids and routing keys, field by field as in the contract."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from bridge.model.attempt import Attempt
from bridge.model.inbound import Dr, DrState, Mo
from bridge.model.mt import Mt
from bridge.model.times import rfc3339

Via = Literal["smpp", "http"]
MtOutcome = Literal["accepted", "rejected", "failed", "parked", "invalid", "expired", "resent", "resolved"]
SiteState = Literal["up", "degraded", "down", "alarm"]


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class Event:
    """One event, ready to be published. `event_id` becomes the AMQP message_id, `kind` the AMQP type."""

    kind: Literal["mo", "dr", "mt", "site"]
    event_id: str
    routing_key: str
    correlation_id: str | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which link an event speaks of. All None where no link had a part in it."""

    provider: str | None = None
    site: str | None = None
    via: Via | None = None
    link: str | None = None


NO_ORIGIN = Origin()

origin_at = lru_cache(maxsize=1024)(Origin)
"""The same for each message of one link."""


def key_part(value: str | None) -> str:
    """One part of a routing key: a dot becomes `_`, a missing part `unknown` (contract, section 2)."""
    return value.replace(".", "_") if value else "unknown"


@lru_cache(maxsize=4096)
def routing_key(*parts: str | None) -> str:
    """A routing key of these parts, cut to AMQP's 255 octets."""
    key = ".".join(key_part(part) for part in parts)
    return key.encode()[:255].decode(errors="ignore")


def _common(kind: str, event_id: str, now: float, origin: Origin, possible_duplicate: bool) -> dict[str, Any]:
    return {
        "type": kind,
        "event_id": event_id,
        "at": rfc3339(now),
        "provider": origin.provider,
        "site": origin.site,
        "via": origin.via,
        "link": origin.link,
        "possible_duplicate": possible_duplicate,
    }


@dataclass(slots=True, kw_only=True)  # not frozen: one a message, and making it takes three times as long
class MtReport:
    """What is to be said of an MT's outcome, beside the MT itself."""

    outcome: MtOutcome
    reason: str | None = None
    status: int | None = None
    smsc_ids: Sequence[str | None] = ()
    segments: int = 1
    attempts: Sequence[Attempt] = ()
    possible_duplicate: bool = False
    origin: Origin = NO_ORIGIN


def mt_event(
    mt_id: str | None, mt: "Mt | MtLink | None", route: str, report: MtReport, event_id: str, now: float
) -> Event:
    """The event of an MT's outcome. `mt`: itself, or what is remembered of it; None where its body is unreadable."""
    body = _common("mt", event_id, now, report.origin, report.possible_duplicate)
    body.update(
        id=mt_id,
        outcome=report.outcome,
        smsc_ids=list(report.smsc_ids),
        segments=report.segments,
        reason=report.reason,
        status=report.status,
        attempts=[attempt.as_body() for attempt in report.attempts],
        app_id=mt.app_id if mt else None,
        conversation_id=mt.conversation_id if mt else None,
        metadata=mt.metadata if mt else None,
    )
    return Event("mt", event_id, routing_key("mt", route, report.outcome), mt_id, body)


@dataclass(slots=True, kw_only=True)  # as Event
class MtLink:
    """What correlation knows of the MT a receipt speaks of; the fields an event takes from it.

    `segment`: which of how many, where the receipt speaks of one segment of a long MT.
    """

    mt_id: str
    smsc_id: str
    segment: tuple[int, int] | None = None
    app_id: str | None = None
    conversation_id: str | None = None
    metadata: Mapping[str, Any] | None = None
    possible_duplicate: bool = False


def dr_event(
    dr: Dr, mt: MtLink | None, origin: Origin, event_id: str, now: float, *, stale: bool, joined: bool
) -> Event:
    """The event of a receipt. Matched: with the smsc_id as stored at the answer; unmatched: as received.

    `joined`: it speaks of the whole MT, whichever segment's receipt told that.
    """
    body = _common("dr", event_id, now, origin, mt.possible_duplicate if mt else False)
    received = dr.ids[0] if dr.ids else None
    body.update(
        mt_id=mt.mt_id if mt else None,
        smsc_id=mt.smsc_id if mt else received,
        state=dr.state,
        final=dr.final,
        error=dr.error,
        network_error=dr.network_error,
        submitted_at=dr.submitted_at,
        done_at=dr.done_at,
        to=dr.to,
        segment=_segment_body(mt.segment) if mt and not joined else None,
        joined=joined,
        matched=mt is not None,
        stale=stale,
        text=dr.text,
        app_id=mt.app_id if mt else None,
        conversation_id=mt.conversation_id if mt else None,
        metadata=mt.metadata if mt else None,
        raw=dr.raw,
    )
    body["from"] = dr.from_
    key = routing_key("dr", origin.provider, dr.state)
    return Event("dr", event_id, key, mt.mt_id if mt else None, body)


def overdue_event(
    mt: MtLink, handset: str, state: DrState | None, provider: str, event_id: str, now: float
) -> Event:
    """In place of the receipt that did not come in time: what is known of the MT by now, never final.

    `handset`: the MT's destination. No link brought it, and which of our numbers it was sent from is not kept.
    """
    body = _common("dr", event_id, now, Origin(provider=provider), mt.possible_duplicate)
    body.update(
        mt_id=mt.mt_id,
        smsc_id=mt.smsc_id,
        state=state,
        final=False,
        error=None,
        network_error=None,
        submitted_at=None,
        done_at=None,
        to=None,
        segment=None,
        joined=True,
        matched=True,
        stale=False,
        text=None,
        app_id=mt.app_id,
        conversation_id=mt.conversation_id,
        metadata=mt.metadata,
        raw=None,
    )
    body["from"] = handset
    return Event("dr", event_id, routing_key("dr", provider, state), mt.mt_id, body)


def _segment_body(segment: tuple[int, int] | None) -> dict[str, int] | None:
    return {"n": segment[0], "of": segment[1]} if segment else None


def mo_event(mo: Mo, origin: Origin, event_id: str, now: float) -> Event:
    """The event of a message from a phone, whole."""
    body = _common("mo", event_id, now, origin, possible_duplicate=False)
    body.update(
        id=mo.id,
        to=mo.to,
        text=mo.text,
        data=base64.b64encode(mo.data).decode() if mo.data is not None else None,
        encoding=mo.encoding,
        segments=mo.segments,
        complete=mo.complete,
        ports={"dst": mo.ports.dst, "src": mo.ports.src} if mo.ports else None,
        carrier=mo.carrier,
        media=[dict(part) for part in mo.media],
        raw=mo.raw,
    )
    body["from"] = mo.from_
    return Event("mo", event_id, routing_key("mo", origin.provider, mo.to), None, body)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """A provider's site as one worker sees it."""

    provider: str
    site: str
    state: SiteState
    reason: str | None
    links_up: int
    links_total: int
    worker: str
    via: Via | None = None
    link: str | None = None


def site_event(report: SiteReport, event_id: str, now: float) -> Event:
    """The event of a site that changed state, or of an alarm."""
    origin = Origin(report.provider, report.site, report.via, report.link)
    body = _common("site", event_id, now, origin, possible_duplicate=False)
    body.update(
        state=report.state,
        reason=report.reason,
        links={"up": report.links_up, "total": report.links_total},
        worker=report.worker,
    )
    return Event(
        "site", event_id, routing_key("site", report.provider, report.site, report.state), None, body
    )
