"""What Redis remembers of an MT: for its receipts, and in its finished claim, so that a repeat can tell the same end.

Pure. The finished claim:

A|<1 if possible_duplicate>|<smsc_id>|<provider>|<site>|<link>      accepted; short: it is kept for days
H|...                                                               the same, over HTTP
L|<1 if possible_duplicate>|<reference>|<provider>|<site>|<link>|<JSON list of smsc_ids>
                                                                    accepted in several segments, in their order
O|<json>                                                            ended otherwise, its event or dead copy still owed
S|<json>                                                            ended otherwise, both confirmed (sealed)
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from bridge.model.attempt import Attempt
from bridge.model.events import MtOutcome, MtReport, Origin
from bridge.outbound.flight import Flight
from bridge.store.correlation import Correlation


@dataclass(slots=True)  # not frozen: one a message, and making it takes three times as long
class Record:
    """The end of an MT. `sealed`: its event and its dead copy are confirmed. `reference`: of its segments."""

    report: MtReport
    sealed: bool
    reference: int = 0


def correlation_of(
    flight: Flight, smsc_id: str, provider: str, segment: tuple[int, int] | None = None
) -> Correlation:
    """What its receipts, or those of one `segment` (which of how many), will be matched with, and say of it."""
    mt = flight.mt
    return Correlation(
        mt_id=mt.id,
        generation=flight.generation,
        provider=provider,
        smsc_id=smsc_id,
        to=mt.to,
        segment=segment,
        receipt=mt.receipt,
        possible_duplicate=flight.doubt,
        app_id=mt.app_id,
        conversation_id=mt.conversation_id,
        metadata=mt.metadata,
    )


def dump_accepted(smsc_id: str, origin: Origin, *, possible_duplicate: bool) -> str:
    """The record of an accepted MT."""
    flag = "1" if possible_duplicate else ""
    kind = "H" if origin.via == "http" else "A"
    return "|".join((kind, flag, smsc_id, origin.provider or "", origin.site or "", origin.link or ""))


def dump_long(
    smsc_ids: Sequence[str | None], reference: int, origin: Origin, *, possible_duplicate: bool
) -> str:
    """The record of an MT accepted in several segments."""
    flag = "1" if possible_duplicate else ""
    ids = json.dumps(smsc_ids, separators=(",", ":"))
    names = (origin.provider or "", origin.site or "", origin.link or "")
    return "|".join(("L", flag, str(reference), *names, ids))


def dump_ended(report: MtReport, *, sealed: bool) -> str:
    """The record of an MT that ended otherwise."""
    origin = report.origin
    body = {
        "o": report.outcome,
        "r": report.reason,
        "s": report.status,
        "n": report.segments,
        "i": report.smsc_ids,
        "d": report.possible_duplicate,
        "a": [attempt.as_body() for attempt in report.attempts],
        "l": [origin.provider, origin.site, origin.via, origin.link],
    }
    return ("S|" if sealed else "O|") + json.dumps(body, separators=(",", ":"))


def load(info: str) -> Record:
    """The reverse of both. `info` was written by this bridge: anything else is a ValueError."""
    kind, _, rest = info.partition("|")
    if kind in ("A", "H"):
        # From the right: an smsc_id may hold anything, the names of ours may not.
        flag, _, tail = rest.partition("|")
        smsc_id, provider, site, link = tail.rsplit("|", 3)
        report = MtReport(
            outcome="accepted",
            smsc_ids=(smsc_id or None,),
            possible_duplicate=flag == "1",
            origin=Origin(provider or None, site or None, "http" if kind == "H" else "smpp", link or None),
        )
        return Record(report, sealed=True)
    if kind == "L":
        return _load_long(rest)
    if kind not in ("O", "S"):
        raise ValueError(f"not a record of an MT's end: {info[:20]!r}")
    body = json.loads(rest)
    try:
        report = MtReport(
            outcome=cast("MtOutcome", body["o"]),
            reason=body["r"],
            status=body["s"],
            segments=body["n"],
            smsc_ids=tuple(body.get("i", ())),
            possible_duplicate=body["d"],
            attempts=tuple(Attempt.from_body(attempt) for attempt in body["a"]),
            origin=Origin(*body["l"]),
        )
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"not a record of an MT's end: {error!r}") from error
    return Record(report, sealed=kind == "S")


def _load_long(rest: str) -> Record:
    flag, reference, provider, site, link, ids = rest.split("|", 5)
    smsc_ids = json.loads(ids)
    if not isinstance(smsc_ids, list) or len(smsc_ids) < 2:
        raise ValueError("not a record of an MT's end: it has not two segments")
    report = MtReport(
        outcome="accepted",
        smsc_ids=tuple(smsc_ids),
        segments=len(smsc_ids),
        possible_duplicate=flag == "1",
        origin=Origin(provider or None, site or None, "smpp", link or None),
    )
    return Record(report, sealed=True, reference=int(reference))


UNREADABLE = Record(MtReport(outcome="failed", reason="what Redis holds of it cannot be read"), sealed=False)
"""Of a finished claim that this version did not write: it must not be sent, and a person has to look."""
