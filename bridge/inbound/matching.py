"""What a receipt becomes when its MT is known, or found later, or not known yet. Pure (contract 3 and 7.4)."""

import orjson

from bridge.model.events import Event, MtLink, Origin, dr_event, routing_key
from bridge.model.inbound import Dr
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation


def matched_event(
    dr: Dr, found: Correlation, origin: Origin, event_id: str, now: float, *, stale: bool
) -> Event | None:
    """The event of a receipt whose MT is known; None where its MT did not ask for it.

    A segment is the whole message here: the receipt that ends it is the joined one.
    """
    if not is_published(dr, found, stale=stale):
        return None
    link = MtLink(
        mt_id=found.mt_id,
        smsc_id=found.smsc_id,
        app_id=found.app_id,
        conversation_id=found.conversation_id,
        metadata=found.metadata,
        possible_duplicate=found.possible_duplicate,
    )
    return dr_event(dr, link, origin, event_id, now, stale=stale, joined=dr.final and not stale)


def rematched_event(late: Unmatched, found: Correlation) -> Event:
    """The event of a receipt that went out unmatched, now with its MT, under its own id (contract 7.3)."""
    body = orjson.loads(late.body)
    body.update(
        mt_id=found.mt_id,
        smsc_id=found.smsc_id,
        matched=True,
        stale=late.stale,
        joined=body["final"] and not late.stale,
        possible_duplicate=found.possible_duplicate,
        app_id=found.app_id,
        conversation_id=found.conversation_id,
        metadata=found.metadata,
    )
    return Event(
        "dr", body["event_id"], routing_key("dr", body["provider"], body["state"]), found.mt_id, body
    )


def is_published(dr: Dr, entry: Correlation, *, stale: bool) -> bool:
    """Whether this receipt becomes an event: `all` shows every one, `final` the one that ends it, `none` none."""
    if entry.receipt == "none":
        return False
    return entry.receipt == "all" or (dr.final and not stale)


def early_rung(waited_s: float, limit_s: float) -> int | None:
    """How long a receipt waits again for its MT: short waits first, within the limit; None when it is used up.

    The usual early receipt overtakes its answer by milliseconds; the late ones are rare and may wait longer.
    """
    left = limit_s - waited_s
    if left <= 0:
        return None
    rung = 1 if waited_s < 3 else 5 if waited_s < 30 else 30
    return rung if rung <= left else 5 if left >= 5 else 1
