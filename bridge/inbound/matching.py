"""What a receipt becomes when its MT is known, or found later, or not known yet. Pure (contract 3 and 7.4).

    the MT asked for   its receipts that come out                          the event that speaks of the whole MT
    none               none                                                none
    final              of a single segment: the one that ends it           the same; of a long MT: the joined one,
    all                every one                                           beside that of the receipt that ended it

A copy of the MT that was sent beside the one that counts (`extra`, after a doubt) ends nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import orjson

from bridge.model.events import Event, Origin, dr_event, overdue_event, routing_key
from bridge.model.ids import event_id
from bridge.model.inbound import FAILURE_STATES, Dr, DrState
from bridge.store.claims import Unmatched
from bridge.store.correlation import Correlation
from bridge.store.receipts import Overdue, Question, ReceiptClaim

WEAKEST_FIRST: tuple[DrState, ...] = ("unknown", "enroute", "accepted", "delivered")
"""What the segments of a message can say that has not failed: the message is as well off as the last of them."""


def question_of(dr: Dr, provider: str, guesses: Sequence[str]) -> Question:
    """What the store is asked of a receipt. `guesses`: other forms of its ids (`relations`)."""
    return Question(
        provider=provider,
        ids=dr.ids,
        guesses=tuple(guesses),
        addresses=(dr.from_ or "", dr.to or ""),
        state=dr.state or "",
        grade=0 if not dr.final else 2 if dr.state in FAILURE_STATES else 1,
    )


def matched_events(
    dr: Dr, claim: ReceiptClaim, found: Correlation, origin: Origin, ident: str, now: float
) -> list[Event]:
    """The events of a receipt whose MT is known: those its MT asked for. `ident`: the id of the receipt's own."""
    if found.receipt == "none":
        return []
    if dr.from_ is None:
        dr = replace(dr, from_=found.to)
    ends = found.segment is None and dr.final and not claim.stale and not claim.extra
    events = []
    if found.receipt == "all" or ends:
        events.append(dr_event(dr, found.link, origin, ident, now, stale=claim.stale, joined=ends))
    if claim.joined is not None:
        whole = replace(dr, state=joined_state(claim.joined, dr.state))
        link, ident = found.link, joined_id(found)
        events.append(dr_event(whole, link, origin, ident, now, stale=False, joined=True))
    return events


def rematched_events(late: Unmatched, found: Correlation) -> list[Event]:
    """The event of a receipt that went out unmatched, now with its MT, under its own id (contract 7.3).

    And the joined one, if the receipt ended a long MT.
    """
    body = orjson.loads(late.body)
    own: DrState | None = body["state"]
    segment = found.segment
    body.update(
        mt_id=found.mt_id,
        smsc_id=found.smsc_id,
        matched=True,
        segment={"n": segment[0], "of": segment[1]} if segment else None,
        stale=late.stale,
        joined=segment is None and body["final"] and not late.stale and not late.extra,
        possible_duplicate=found.possible_duplicate,
        app_id=found.app_id,
        conversation_id=found.conversation_id,
        metadata=found.metadata,
    )
    body["from"] = body["from"] or found.to
    bodies = [body]
    if late.joined is not None and found.receipt != "none":
        state = joined_state(late.joined, own)
        bodies.append(body | {"event_id": joined_id(found), "state": state, "segment": None, "joined": True})
    return [
        Event("dr", one["event_id"], routing_key("dr", one["provider"], one["state"]), found.mt_id, one)
        for one in bodies
    ]


def overdue_receipt(overdue: Overdue, now: float) -> Event:
    """The event of an MT whose receipts did not all come in time."""
    found = overdue.entry
    ident = event_id("dr", "overdue", overdue.due)
    return overdue_event(found.link, found.to, known_state(overdue.states), found.provider, ident, now)


def joined_state(states: Sequence[str], deciding: DrState | None) -> DrState | None:
    """Of a long MT that has ended. `deciding`: what the receipt that ended it says. One failure is the message's."""
    said = (deciding, *states)
    words = (*(word for word in said if word in FAILURE_STATES), *WEAKEST_FIRST)
    return next((word for word in words if word in said), deciding)


def known_state(states: Sequence[str]) -> DrState | None:
    """Of an MT that has not ended; None if nothing is known. A part of it that arrived is not the message yet."""
    if not any(states):
        return None
    return cast("DrState", states[0]) if len(states) == 1 else "enroute"


def joined_id(found: Correlation) -> str:
    """The id of a long MT's joined event: the same whichever worker publishes it, and when, and of whichever copy."""
    return event_id("dr", "joined", found.mt_id, str(found.generation))


def early_rung(waited_s: float, limit_s: float) -> int | None:
    """How long a receipt waits again for its MT: short waits first, within the limit; None when it is used up.

    The usual early receipt overtakes its answer by milliseconds; the late ones are rare and may wait longer.
    """
    left = limit_s - waited_s
    if left <= 0:
        return None
    rung = 1 if waited_s < 3 else 5 if waited_s < 30 else 30
    return rung if rung <= left else 5 if left >= 5 else 1
