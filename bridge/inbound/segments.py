"""Long MOs: each segment is held in Redis and answered OK; whoever brings the last one publishes the whole.

    verdict       what is done
    held          answer OK: it waits for the others, in Redis
    complete      join, publish, and only when that is known in Redis answer OK; if it fails: give it up, refuse
    repeat        answer OK: the whole is published
    busy          refuse: another worker is publishing the whole
    (no answer)   refuse

What never becomes complete is published by `deadlines`.
"""

import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from secrets import token_hex

import structlog

from bridge.broker.message import Outgoing
from bridge.broker.outbox import PublisherPort, event_message
from bridge.inbound.confirm import publish_all
from bridge.inbound.parts import Join, Part, readable, set_key, tag
from bridge.inbound.pending import Entry, Pending
from bridge.inbound.ports import SegmentsPort
from bridge.model.events import mo_event
from bridge.model.inbound import Inbound, MoSegment
from bridge.model.names import Names
from bridge.store.segments import SetClaim

log = structlog.get_logger(__name__)


def keep_s(mo_repeat_s: float, segment_wait_s: float) -> float:
    """For how long the segments of a published MO are known for repeats.

    As long as a set waits, even where an MO's repeats are known for less: a repeat of one segment that is not known
    opens a set that never becomes complete, and would come out as an MO of its own.
    """
    return max(mo_repeat_s, segment_wait_s)


class LongMos:
    """The segments this worker has in hand. The answers that are owed are in `pending`, with all others."""

    def __init__(
        self,
        names: Names,
        segments: SegmentsPort,
        publisher: PublisherPort,
        pending: Pending[Inbound],
        tally: Counter[tuple[str, ...]],
        *,
        worker: str,
        join: Mapping[str, Join],
        segment_wait_s: float,
        mo_repeat_s: float,
    ) -> None:
        self._names = names
        self._segments = segments
        self._publisher = publisher
        self._pending = pending
        self._tally = tally
        self._worker = worker
        self._join = join
        self._wait_ms = int(segment_wait_s * 1000)
        self._keep_ms = int(keep_s(mo_repeat_s, segment_wait_s) * 1000)
        self._publishing: dict[str, list[Entry[Inbound]]] = {}

    def take(self, entry: Entry[Inbound], segment: MoSegment) -> None:
        """One segment that is not being worked on; `entry` is answered when it is safe or cannot be made so."""
        key = set_key(entry.origin.provider or "", segment)
        self._segments.add(
            key,
            segment.concat.seq,
            segment.concat.total,
            tag(segment),
            Part(segment, entry.origin, time.time()).dump(),
            entry.event_id,
            self._worker,
            self._wait_ms,
            self._keep_ms,
            partial(self._added, entry, segment, key),
        )

    def _added(self, entry: Entry[Inbound], segment: MoSegment, key: bytes, claim: SetClaim | None) -> None:
        if claim is None or claim.verdict == "busy":
            self._count("refused", entry)
            self._pending.answer(entry, safe=False)
        elif claim.verdict == "complete":
            self._complete(entry, segment, key, claim)
        else:
            self._count(claim.verdict, entry)
            self._pending.answer(entry, safe=True)

    def _complete(self, entry: Entry[Inbound], segment: MoSegment, key: bytes, claim: SetClaim) -> None:
        waiting = self._publishing.get(claim.event_id)
        if waiting is not None:  # a repeat, while this worker publishes the whole
            waiting.append(entry)
            return
        self._publishing[claim.event_id] = [entry]
        try:
            message = self._message(entry, segment, claim)
        except Exception:  # whatever it is: the provider is owed an answer, and other copies are to be tried
            log.exception("segments.unjoinable", event_id=claim.event_id)
            self._published(key, claim.event_id, safe=False)
        else:
            publish_all(self._publisher, [message], partial(self._published, key, claim.event_id))

    def _message(self, entry: Entry[Inbound], segment: MoSegment, claim: SetClaim) -> Outgoing:
        parts, lost = readable(claim.parts)
        if lost:
            log.error("segments.unreadable", event_id=claim.event_id, parts=lost)
        mo = self._join[entry.origin.provider or ""]([part.segment for part in parts] or [segment])
        now = time.time()
        return event_message(mo_event(mo, entry.origin, claim.event_id, now), self._names, now)

    def _published(self, key: bytes, event_id: str, safe: bool) -> None:
        answer = partial(self._answer, event_id, safe)
        if safe:
            self._segments.published(key, event_id, self._keep_ms, answer)
        else:
            self._segments.abandon(key, self._worker, answer)

    def _answer(self, event_id: str, safe: bool) -> None:
        for entry in self._publishing.pop(event_id):
            self._count("safe" if safe else "refused", entry)
            self._pending.answer(entry, safe)

    def _count(self, what: str, entry: Entry[Inbound]) -> None:
        self._tally[what, "mo", entry.origin.provider or ""] += 1


def new_event_id() -> str:
    """For an MO that has no id of its own: nothing of it tells it from its twin a minute later."""
    return f"mo-{token_hex(16)}"
