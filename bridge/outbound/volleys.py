"""Long MTs on the wire: what one claim lets leave together, and the answers to it.

A *volley* is as many of the segments that are to be sent as the link has room for. Its claim says of them that they
are written before they are, so that whoever finds that claim knows of the doubt; each answer is recorded at once;
the last one ends the volley in one outcome. Between volleys the claim is left (`Waiting.let_go`) with what is known
by then, and the next one takes it over, in this worker or in another.

What has become of the segments is in `parts`; what happens after a volley is decided in `settle` as for any attempt.
"""

import structlog

from bridge.model.outcome import Accepted, Doubt, Outcome, Rejected
from bridge.model.web import HttpRequest
from bridge.outbound.bequest import Bequest
from bridge.outbound.flight import Flight, Long, SegmentRef
from bridge.outbound.links import LinkSlot
from bridge.outbound.parts import combine, unbegun
from bridge.outbound.ports import LinkPort
from bridge.outbound.settler import Settler
from bridge.store.claims import Claim

log = structlog.get_logger(__name__)

DIED = "the worker that was sending it died before the answer was recorded"
FORGOTTEN = "it was delivered before, and Redis has lost what became of it"


def plan(flight: Flight, slot: LinkSlot) -> bool:
    """Make up the flight's next volley over this link. False: nobody here can go on with its copy.

    Afterwards an MT that this link takes in one piece has no `long`.
    """
    link, body, long = slot.link, flight.prepared, flight.long
    if isinstance(body, bytes | HttpRequest | Rejected):
        if flight.begun is not None:
            return _orphan(flight)
        flight.long = None
        return True
    if long is None or not long.parts.begun:
        if long is None:
            long = flight.long = Long(unbegun(link.provider, body.fingerprint, body.count))
        long.parts = unbegun(link.provider, body.fingerprint, body.count)
        long.counter = body.counter
    elif long.parts.cut_as(link.provider, body.fingerprint, body.count):
        long.counter = ""
    else:
        return _orphan(flight)
    long.volley = long.parts.missing[: slot.room]
    return True


def _orphan(flight: Flight) -> bool:
    assert flight.long is not None  # noqa: S101
    log.warning("mt.cut_otherwise", id=flight.mt.id, segments=flight.long.parts.count)
    flight.long.parts = flight.long.parts.orphaned()
    return False


def claimed_state(flight: Flight, long: Long, link: LinkPort) -> str:
    """What the claim of the flight's next volley says."""
    return flight.bequest(long.parts.written(long.volley, link.name))


def inherit(flight: Flight, claim: Claim) -> None:
    """What another flight has left is ours to go on with, or to settle first."""
    flight.takeover = True
    flight.claimed_at = None
    flight.seen = claim.state
    holder = claim.holder or flight.owner
    try:
        found = Bequest.load(claim.state, holder)
    except ValueError as error:
        log.error("mt.claim_unreadable", id=flight.mt.id, reason=str(error))  # noqa: TRY400  no trace needed
        found = Bequest.load("", holder)
    flight.copy = found.copy
    flight.counted = max(flight.counted, found.counted)
    parts = found.parts
    if parts is None:
        flight.long = None
        why = FORGOTTEN if claim.verdict == "lost" else DIED
        flight.unsettled = "" if flight.copy == flight.told else why
        return
    long = flight.long = Long(parts)
    long.reference = claim.reference
    long.unsure = {number for number in range(1, parts.count + 1) if parts.is_taken(number)}
    flight.doubt |= found.doubt
    flight.unsettled = DIED if parts.in_doubt else ""


def why_forsaken(flight: Flight) -> str:
    """Of a copy that nobody here goes on with."""
    begun = flight.begun
    assert begun is not None  # noqa: S101
    if not begun.provider:
        return "a part of it was sent, and the rest would be cut otherwise now"
    if begun.provider in flight.refused_by:
        return "a part of it was sent, and its provider refuses the rest"
    return "a part of it was sent, and its provider has no link up"


def write(flight: Flight, long: Long, slot: LinkSlot) -> bool:
    """Send the volley; False if none of it left. The claim is ours, and says so."""
    body = flight.prepared
    assert not isinstance(body, bytes | HttpRequest | Rejected)  # noqa: S101
    written = []
    for number in long.volley:
        if long.parts.is_taken(number):
            continue  # a late answer came while we claimed
        ref = SegmentRef(flight, number, body.count, long.reference)
        if not slot.link.submit(body.body(number, long.reference), ref):
            break
        written.append(number)
    if not written:
        return False
    long.before = long.parts
    long.parts = long.parts.written(written, slot.link.name)
    long.failed.clear()
    long.unanswered = len(written)
    slot.in_flight += len(written)
    return True


def answered(ref: SegmentRef, link: LinkPort, outcome: Outcome, settler: Settler) -> Outcome | None:
    """The one outcome of a segment. Returns that of its volley if it was the last to have one."""
    long = ref.flight.long
    assert long is not None  # noqa: S101
    long.unanswered -= 1
    if isinstance(outcome, Accepted):
        settler.segment_taken(ref, outcome.smsc_id, link)
    else:
        long.failed[ref.number] = outcome
        if not isinstance(outcome, Doubt):
            long.parts = long.parts.returned(ref.number, long.before)
    if long.unanswered:
        return None
    return combine([failed for number, failed in long.failed.items() if not long.parts.is_taken(number)])
